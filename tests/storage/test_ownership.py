"""What a document says about whose it is, and what is read of an account's own documents."""

from typing import Any

import pytest

from couch.database import Database
from storage import database_names
from storage.ownership import Owner, owner_of
from voicemail.legacy.media import DatabaseLibrary

A, B = "a" * 32, "b" * 32
OF_A, OF_B = (database_names.encode(database_names.account_db(account_id)) for account_id in (A, B))


@pytest.mark.parametrize(
    ("doc", "owner"),
    [
        ({"pvt_account_id": A}, Owner(A)),
        ({"pvt_account_db": OF_A}, Owner(A)),
        ({"pvt_account_db": OF_A.replace("%2F", "/")}, Owner(A)),
        ({"pvt_account_db": OF_A.replace("%", "%25")}, Owner(A)),
        ({"pvt_account_id": A, "pvt_account_db": f"{OF_A}-201605"}, Owner(A, "201605")),
        ({"pvt_account_id": A, "pvt_type": "mailbox_message", "_id": "201605-x"}, Owner(A, "201605")),
        ({"pvt_account_id": A, "pvt_account_db": OF_B}, Owner(is_contradictory=True)),
        ({"pvt_account_id": A, "pvt_type": "account", "_id": B}, Owner(is_contradictory=True)),
        ({"pvt_type": "account", "_id": A}, Owner(A)),
        ({"pvt_type": "vmbox", "_id": A}, Owner()),
        ({"pvt_account_id": "undefined", "pvt_account_db": ["x"]}, Owner()),
        ({"pvt_account_db": "system_config"}, Owner(system="system_config")),
        ({"pvt_account_db": "faxes", "pvt_account_id": A}, Owner(A)),
    ],
)
def test_a_document_names_its_account(doc: dict[str, Any], owner: Owner) -> None:
    assert owner_of({"_id": "x"} | doc) == owner


def test_media_of_another_account_is_not_read(new_database: Database) -> None:
    name = database_names.parse(new_database.name)
    assert name is not None
    docs = [
        {"_id": "own", "pvt_account_id": name.account_id},
        {"_id": "nobodys"},
        {"_id": "foreign", "pvt_account_id": A},
        {"_id": "both", "pvt_account_id": name.account_id, "pvt_account_db": OF_A},
    ]
    new_database.put_all(docs)
    assert sorted(DatabaseLibrary(new_database).fetch(doc["_id"] for doc in docs)) == ["nobodys", "own"]
