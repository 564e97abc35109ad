"""Sources with the data of several accounts: each document goes to its own account or nowhere."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from couch.client import Couch, couch
from storage import database_names, modbs
from tests.support import backup_formats
from tests.support.backup_formats import ARCHIVERS, FORMATS, Archiver, Format
from tests.support.kazoo3 import (
    MAY_2016,
    AccountMaker,
    CommandResult,
    Document,
    Kazoo3Account,
    migrate_kazoo3,
    new_id,
    speech,
)
from tests.support.servers import start_couchdb

BOX_ID, MEDIA_ID, USER_ID = "b" * 32, "e" * 32, "a" * 32
MONTH_MEDIA_ID = "201604-" + "f" * 32


@pytest.fixture
def accounts(new_kazoo3_account: AccountMaker) -> list[Kazoo3Account]:
    """Two accounts whose documents have the same ids, with other contents; the second has more documents."""
    accounts = [new_kazoo3_account(name=name) for name in ("First", "Second")]
    for account in accounts:
        name = account.account["name"]
        account.add("user", USER_ID, username=name.lower(), first_name=name, last_name="X")
        box = account.add_box("3000", _id=BOX_ID, name=f"Box of {name}", pin=str(len(name)) * 4, owner_id=USER_ID)
        account.add_media(speech(name), MEDIA_ID, source_id=BOX_ID)
        box["messages"].append(account.make_entry(MEDIA_ID, caller_id_name=name))
    for number in range(5):
        accounts[1].add_message(accounts[1].docs[BOX_ID], f"more {number}")
    return accounts


def month_document(account: Kazoo3Account) -> Document:
    """A message of the account that is in a MODb already."""
    stub = account.add_media(speech("month of " + account.id), MONTH_MEDIA_ID)["_attachments"]
    del account.docs[MONTH_MEDIA_ID]
    return {
        "_id": MONTH_MEDIA_ID,
        "pvt_type": "mailbox_message",
        "pvt_account_id": account.id,
        "pvt_account_db": database_names.encode(database_names.modb(account.id, "201604")),
        "source_id": BOX_ID,
        "utc_seconds": MAY_2016 - 2_000_000,
        "metadata": {
            "media_id": MONTH_MEDIA_ID,
            "timestamp": MAY_2016 - 2_000_000,
            "folder": "new",
            "caller_id_name": account.account["name"],
        },
        "_attachments": stub,
    }


def assert_each_has_its_own(accounts: list[Kazoo3Account], *, with_month: bool = False) -> None:
    """Assert that each account has what is its own, and nothing of the other's."""
    for account in accounts:
        name = account.account["name"]
        stored = {row["id"]: row["doc"] for row in account.database.all_docs(include_docs=True)}
        assert (stored[account.id]["name"], stored[BOX_ID]["name"]) == (name, f"Box of {name}")
        assert stored[BOX_ID]["pin"] == account.docs[BOX_ID]["pin"]
        assert stored[USER_ID]["first_name"] == name
        messages = account.stored_messages()
        months = [MONTH_MEDIA_ID] if with_month else []
        entries = account.docs[BOX_ID]["messages"]
        assert sorted(messages) == sorted([f"201605-{entry['media_id']}" for entry in entries] + months)
        for doc in [*stored.values(), *messages.values()]:
            assert doc.get("pvt_account_id", account.id) == account.id
        message = messages[f"201605-{MEDIA_ID}"]
        assert message["metadata"]["caller_id_name"] == name
        assert account.read_audio(message) == speech(name)
        if with_month:
            assert account.read_audio(messages[MONTH_MEDIA_ID]) == speech("month of " + account.id)


def migrate(source: Path | str) -> CommandResult:
    return migrate_kazoo3("--source", str(source))


def verify(source: Path | str) -> CommandResult:
    return migrate_kazoo3("--source", str(source), "--verify")


@pytest.mark.parametrize("write", FORMATS, ids=lambda write: write.__name__)
@pytest.mark.parametrize("separator", [b"", b"\n"], ids=["directly", "on a new line"])
def test_dumps_one_after_the_other_in_one_file_stay_apart(
    accounts: list[Kazoo3Account], tmp_path: Path, write: Format, separator: bytes
) -> None:
    dumps = [write([*account.docs.values(), month_document(account)]).rstrip() for account in accounts]
    (tmp_path / "backup.json").write_bytes(separator.join(dumps))
    assert migrate(tmp_path).status == 0
    assert_each_has_its_own(accounts, with_month=True)
    assert verify(tmp_path).status == 0


@pytest.mark.parametrize("archive", ARCHIVERS, ids=lambda archive: archive.__name__)
def test_an_archive_is_read_as_the_folders_that_it_holds(
    accounts: list[Kazoo3Account], tmp_path: Path, archive: Archiver
) -> None:
    files = {}
    for account in accounts:
        folder = f"2016/{account.account['name']}/couchdb"
        files[f"{folder}/account.json"] = backup_formats.all_docs(list(account.docs.values()))
        files[f"{folder}/month.json"] = backup_formats.json_lines([month_document(account)])
    path = tmp_path / "backup.bin"
    path.write_bytes(archive(files))
    # The file itself, and the folder that it is in.
    assert migrate(path).status == 0
    assert_each_has_its_own(accounts, with_month=True)
    assert [verify(path).status, verify(tmp_path).status] == [0, 0]


def test_a_folder_of_each_account_may_have_the_accounts_id_as_its_name(
    accounts: list[Kazoo3Account], tmp_path: Path
) -> None:
    for account in accounts:
        (tmp_path / account.id).mkdir()
        for doc in account.docs.values():
            nameless = {key: value for key, value in doc.items() if key not in ("pvt_account_id", "pvt_account_db")}
            (tmp_path / account.id / f"{doc['pvt_type']}s.jsonl").open("a").write(json.dumps(nameless) + "\n")
    assert migrate(tmp_path).status == 0
    assert_each_has_its_own(accounts)


def test_a_file_per_document_named_like_the_document(accounts: list[Kazoo3Account], tmp_path: Path) -> None:
    for account in accounts:
        folder = tmp_path / account.account["name"]
        folder.mkdir()
        for doc in account.docs.values():
            (folder / f"{doc['_id']}.json").write_text(json.dumps(doc))
    assert migrate(tmp_path).status == 0
    assert_each_has_its_own(accounts)


def test_documents_that_name_nobody_go_nowhere_if_the_file_has_several_accounts(
    accounts: list[Kazoo3Account], tmp_path: Path
) -> None:
    nobodys: Document = {"_id": new_id(), "pvt_type": "vmbox", "mailbox": "3999", "name": "Whose?", "messages": []}
    docs = [doc for account in accounts for doc in account.docs.values()]
    (tmp_path / "backup.jsonl").write_bytes(backup_formats.json_lines([*docs, nobodys, {"_id": "_design/x"}]))
    for result in (migrate(tmp_path), verify(tmp_path)):
        assert result.status == 1
        assert "backup.jsonl: documents that don't say whose they are" in result.out
    assert_each_has_its_own(accounts)
    assert all(account.database.get(nobodys["_id"]) is None for account in accounts)


def test_documents_that_name_nobody_are_those_of_the_only_account_of_the_file(
    accounts: list[Kazoo3Account], tmp_path: Path
) -> None:
    first, second = accounts
    for account in accounts:
        del account.docs[BOX_ID]["pvt_account_id"], account.docs[BOX_ID]["pvt_account_db"]
        name = f"{account.account['name']}.jsonl"
        (tmp_path / name).write_bytes(backup_formats.json_lines(list(account.docs.values())))
    assert migrate(tmp_path).status == 0
    assert_each_has_its_own([first, second])
    assert verify(tmp_path).status == 0


@pytest.mark.parametrize("pattern", ["account%2F{a}%2F{b}%2F{rest}.json", "{a}{b}{rest}.json"])
def test_a_file_that_is_named_for_another_account_is_refused(
    accounts: list[Kazoo3Account], tmp_path: Path, pattern: str
) -> None:
    first, second = accounts
    name = pattern.format(a=first.id[:2], b=first.id[2:4], rest=first.id[4:])
    docs = [*first.docs.values(), *second.docs.values()]
    (tmp_path / name).write_bytes(backup_formats.all_docs(docs))
    result = migrate(tmp_path)
    assert result.status == 1
    count = len(second.docs)
    assert f"its documents of account {second.id} are left out ({count}). Give the file a name" in result.out
    assert_each_has_its_own([first])
    assert not second.database.exists()
    assert couch().database(database_names.ACCOUNTS).get(second.id) is None
    assert verify(tmp_path).status == 1


def test_a_document_that_names_two_accounts_goes_nowhere(accounts: list[Kazoo3Account], tmp_path: Path) -> None:
    first, second = accounts
    box = first.add_box("3666", pvt_account_db=database_names.encode(database_names.account_db(second.id)))
    docs = [doc for account in accounts for doc in account.docs.values()]
    (tmp_path / "backup.jsonl").write_bytes(backup_formats.json_lines(docs))
    result = migrate(tmp_path)
    assert result.status == 1
    assert "documents that name two accounts" in result.out
    assert all(account.database.get(box["_id"]) is None for account in accounts)
    assert_each_has_its_own(accounts)


def test_a_file_named_like_the_list_of_accounts_may_hold_whole_accounts(
    accounts: list[Kazoo3Account], tmp_path: Path
) -> None:
    docs = [doc for account in accounts for doc in account.docs.values()]
    (tmp_path / "all_accounts.json").write_bytes(backup_formats.indented(docs))
    assert migrate(tmp_path).status == 0
    assert_each_has_its_own(accounts)


@pytest.fixture
def source_couchdb(tmp_path: Path) -> Iterator[tuple[Couch, str]]:
    """Another CouchDB, and its address."""
    server = start_couchdb(tmp_path / "source")
    yield Couch(server.url, connect_timeout=5, read_timeout=30), server.url
    server.stop()


def test_documents_of_another_account_in_a_couchdb_are_left_out(
    accounts: list[Kazoo3Account], source_couchdb: tuple[Couch, str]
) -> None:
    first, second = accounts
    server, url = source_couchdb
    for account in accounts:
        account.store(server)
    database = server.database(database_names.account_db(first.id))
    foreign_box = {**second.docs[BOX_ID], "_id": new_id(), "mailbox": "3001"}
    foreign_media = {**second.docs[MEDIA_ID], "_id": new_id()}
    database.put_all([foreign_box, foreign_media])
    entry = first.make_entry(foreign_media["_id"])
    database.update(BOX_ID, lambda box: {**box, "messages": [*box["messages"], entry]})
    name = database_names.modb(first.id, "201604")
    server.create(name)
    server.database(name).put(month_document(second))
    arguments = ["--source", url, "--account", first.id, "--account", second.id]
    result = migrate_kazoo3(*arguments)
    assert result.status == 1
    suffix = f"of account {first.id} that name another account are left out"
    assert f"Documents in the database {suffix} (2)." in result.out
    assert f"Messages of month 201604 {suffix} (1)." in result.out
    assert first.stored_box(foreign_box | {"_id": BOX_ID})["messages"][0]["migration_error"] == "no_audio"
    assert first.database.get(foreign_box["_id"]) is None
    assert_each_has_its_own(accounts)
    assert migrate_kazoo3(*arguments, "--verify").status == 1


def test_documents_of_another_account_stay_as_they_are_in_place(accounts: list[Kazoo3Account]) -> None:
    first, second = accounts
    foreign_box = {**second.docs[BOX_ID], "_id": new_id()}
    first.docs[foreign_box["_id"]] = foreign_box
    first.store()
    for arguments in ((), ("--verify",)):
        result = migrate_kazoo3("--account", first.id, *arguments)
        assert result.status == 1
        assert f"Documents in the database of account {first.id} that name another account" in result.out
    assert first.stored_box(foreign_box)["messages"] == foreign_box["messages"]
    assert list(first.stored_messages()) == [f"201605-{MEDIA_ID}"]


def put_box_of_the_other(first: Kazoo3Account, second: Kazoo3Account) -> Document:
    """Store a mailbox of the second account in the first one's database, under the first one's name."""
    box = second.add_box("3500")
    own = {key: first.docs[BOX_ID][key] for key in ("pvt_account_id", "pvt_account_db")}
    return first.database.put({**box, **own})


def put_message_of_the_other(first: Kazoo3Account, second: Kazoo3Account) -> Document:
    """Store a message whose media document is the second account's among the first one's."""
    entry = second.add_message(second.docs[BOX_ID], "secret")
    stored = first.stored_message(MEDIA_ID)
    private: dict[str, Any] = {key: value for key, value in stored.items() if key[0] != "_"}
    message = {
        **private,
        "_id": f"201605-{entry['media_id']}",
        "pvt_previous_id": entry["media_id"],
        "history": ["x"],
    }
    return modbs.ensure(first.id, "201605").put(message)


def put_document_that_names_the_other(first: Kazoo3Account, second: Kazoo3Account) -> Document:
    return first.database.put({**second.docs[BOX_ID], "_id": new_id(), "messages": []})


@pytest.mark.parametrize("put", [put_box_of_the_other, put_message_of_the_other, put_document_that_names_the_other])
def test_verifying_finds_what_belongs_to_another_account(
    accounts: list[Kazoo3Account],
    tmp_path: Path,
    put: Callable[[Kazoo3Account, Kazoo3Account], Document],
) -> None:
    first, second = accounts

    def write_files() -> None:
        for account in accounts:
            name = f"{account.account['name']}.jsonl"
            (tmp_path / name).write_bytes(backup_formats.json_lines(list(account.docs.values())))

    write_files()
    assert migrate(tmp_path).status == 0
    foreign = put(first, second)
    write_files()
    assert migrate_kazoo3("--source", str(tmp_path), "--account", second.id).status == 0
    report = tmp_path / "report.json"
    assert migrate_kazoo3("--source", str(tmp_path), "--verify", "--report", str(report)).status == 1
    rows = json.loads(report.read_text())["entries"]
    faults = [(row["account_id"], row["message_id"]) for row in rows if row["reason"] == "other_account"]
    assert faults == [(first.id, foreign["_id"])]


def test_verifying_one_mailbox_finds_what_in_it_belongs_to_another_account(accounts: list[Kazoo3Account]) -> None:
    first, second = accounts
    quiet_box = first.add_box("3600")
    for account in accounts:
        account.store()
    assert migrate_kazoo3("--account", first.id).status == 0
    names_second = {"pvt_account_id": second.id, "pvt_account_db": second.database.name}
    message_id = first.stored_message(MEDIA_ID)["_id"]
    modbs.ensure(first.id, "201605").update(message_id, lambda message: {**message, **names_second})
    verify = ("--account", first.id, "--verify", "--box")
    assert migrate_kazoo3(*verify, quiet_box["_id"]).status == 0
    assert migrate_kazoo3(*verify, BOX_ID).status == 1
