"""The views over documents as Kazoo writes them: keys and values are Kazoo's, and no dirt hides a document."""

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from couch.database import Database
from couch_views.sync import sync
from storage import folding
from tests.support.kazoo_documents import (
    ACCOUNT_DB,
    ACCOUNT_ID,
    BOX_ID,
    MESSAGE_ID,
    TIMESTAMP,
    USER_ID,
    account,
    legacy_message,
    message,
    user,
    vmbox,
)

Rows = Callable[..., list[tuple[Any, Any]]]

SUMMARY = {
    "timestamp": TIMESTAMP,
    "from": "1001@aeac33.sip.2600hz.com",
    "to": "1000@aeac33.sip.2600hz.com",
    "caller_id_number": "1001",
    "caller_id_name": "userb userb",
    "call_id": "79959ZDNmM2I5ZTliMzA0NzA4N2FjNjlmODA5OWVkZjUxZWU",
    "folder": "new",
    "length": 3140,
    "media_id": MESSAGE_ID,
    "transcribed": False,
}
MEDIA = {
    "_id": "media",
    "pvt_type": "media",
    "name": "Away",
    "language": "en-us",
    "media_source": "upload",
}
MESSAGE_VIEWS = ["listing_by_mailbox", "listing_by_timestamp", "count_per_folder", "count_per_box_folder"]
# Values in the place of an object, an array or a number.
DIRT: list[Any] = [None, "", "undefined", 0, -1.5, True, [], [None], {}, {"timestamp": {}}, [[{"x": [None]}]]]


@pytest.fixture
def account_rows(new_database: Database) -> Rows:
    return _row_reader(new_database, "account")


@pytest.fixture
def modb_rows(new_database: Database) -> Rows:
    return _row_reader(new_database, "modb")


@pytest.fixture
def accounts_rows(new_database: Database) -> Rows:
    return _row_reader(new_database, "accounts")


def _row_reader(database: Database, kind: str) -> Rows:
    sync(database, kind)

    def rows(view: str, *docs: dict[str, Any], **options: Any) -> list[tuple[Any, Any]]:
        for doc in docs:
            database.put(doc)
        return [(row["key"], row["value"]) for row in database.view(*view.split("/"), **options)]

    return rows


# --- an account's database ---


def test_the_listing_of_mailboxes_shows_what_kazoo_shows(account_rows: Rows) -> None:
    rows = account_rows("vmboxes/crossbar_listing", vmbox(flags=["x"], messages=[{}, {}]))
    value = {"id": BOX_ID, "name": "VMBox 0", "mailbox": "3000", "owner_id": USER_ID, "messages": 2, "flags": ["x"]}
    assert rows == [("VMBox 0", value)]


def test_a_mailbox_without_messages_and_flags_is_listed_with_none(account_rows: Rows) -> None:
    [(_, value)] = account_rows("vmboxes/crossbar_listing", vmbox(owner_id=None))
    assert value == {"id": BOX_ID, "name": "VMBox 0", "mailbox": "3000", "messages": 0, "flags": []}


@pytest.mark.parametrize("view", ["vmboxes/listing_by_mailbox", "vmboxes_numbers/by_number"])
def test_a_mailbox_is_found_by_its_number_and_each_alias(account_rows: Rows, view: str) -> None:
    rows = account_rows(view, vmbox(aliases=["3001", "ops"]))
    assert rows == [("3000", None), ("3001", None), ("ops", None)]


@pytest.mark.parametrize("view", ["vmboxes/listing_by_mailbox", "vmboxes_numbers/by_number"])
def test_a_number_stored_as_an_integer_is_found_as_text(account_rows: Rows, view: str) -> None:
    assert account_rows(view, vmbox(mailbox=3000, aliases=[3001])) == [("3000", None), ("3001", None)]


def test_each_legacy_message_has_a_row(account_rows: Rows) -> None:
    entries = [legacy_message(), legacy_message(timestamp=str(TIMESTAMP - 9), folder=None)]
    rows = account_rows("vmboxes/legacy_msg_by_timestamp", vmbox(messages=entries))
    mailbox_members = {
        "source_id": BOX_ID,
        "owner_id": USER_ID,
        "mailbox": "3000",
        "box_timestamp": 63630058700,
        "timezone": "America/Los_Angeles",
    }
    assert rows == [
        (TIMESTAMP - 9, {**mailbox_members, "metadata": entries[1]}),
        (TIMESTAMP, {**mailbox_members, "metadata": entries[0]}),
    ]


def test_a_legacy_message_that_could_not_be_migrated_has_no_row(account_rows: Rows) -> None:
    box = vmbox(messages=[legacy_message(migration_error="no_audio")])
    assert account_rows("vmboxes/legacy_msg_by_timestamp", box) == []


@pytest.mark.parametrize("timestamp", [None, "undefined", "", {}, []])
def test_a_legacy_message_without_a_readable_time_comes_first(account_rows: Rows, timestamp: Any) -> None:
    box = vmbox(messages=[legacy_message(), {**legacy_message(), "timestamp": timestamp}, {}])
    rows = account_rows("vmboxes/legacy_msg_by_timestamp", box)
    assert [key for key, _ in rows] == [None, None, TIMESTAMP]


@pytest.mark.parametrize("view", ["crossbar_listing", "listing_by_mailbox", "legacy_msg_by_timestamp"])
def test_deleted_mailboxes_and_other_documents_are_in_no_view_of_mailboxes(account_rows: Rows, view: str) -> None:
    others = [vmbox(_id="1", pvt_deleted=True, messages=[{}]), vmbox(_id="2", pvt_type="media"), user()]
    assert account_rows(f"vmboxes/{view}", *others) == []
    assert account_rows("vmboxes_numbers/by_number") == []


@pytest.mark.parametrize(("view", "field"), [("creds_by_md5", "pvt_md5_auth"), ("creds_by_sha", "pvt_sha1_auth")])
def test_a_user_is_found_by_its_hashes(account_rows: Rows, view: str, field: str) -> None:
    rows = account_rows(f"users/{view}", user(), user(_id="no hash", **{field: None}))
    assert rows == [(user()[field], {"owner_id": USER_ID, "account_id": ACCOUNT_ID})]


@pytest.mark.parametrize("view", ["creds_by_md5", "creds_by_sha"])
def test_disabled_and_deleted_users_are_not_found_by_their_hashes(account_rows: Rows, view: str) -> None:
    gone = [user(_id="1", enabled=False), user(_id="2", pvt_deleted=True), user(_id="3", pvt_type="device")]
    assert account_rows(f"users/{view}", *gone) == []


def test_a_user_without_enabled_is_enabled(account_rows: Rows) -> None:
    assert len(account_rows("users/creds_by_md5", user(enabled=None))) == 1


def test_users_are_listed_by_their_names_in_lower_case_even_if_disabled(account_rows: Rows) -> None:
    nameless, disabled = user(_id="1", username=None), user(_id="2", username="Zoe", enabled=False)
    rows = account_rows("vmboxes_users/by_username", user(), nameless, disabled, user(_id="3", pvt_deleted=True))
    assert rows == [(None, None), ("userb", None), ("zoe", None)]


def test_users_are_found_once_by_each_word_of_their_names(account_rows: Rows) -> None:
    named = user(username="Ada.L", first_name="Ada  Augusta", last_name="ada", email="ADA@example.com")
    odd = user(_id="1", username=7, first_name=["x"], last_name=None, email="z" * 300)
    rows = account_rows("vmboxes_users/by_word", named, odd, user(_id="2", pvt_deleted=True))
    keys = ["ada", "adaexamplecom", "adal", "augusta", "com", "examplecom", "l", "z" * 100]
    assert [key for key, _ in rows] == keys


def test_greetings_are_found_by_their_media(account_rows: Rows) -> None:
    greeted = vmbox(_id="1", media={"unavailable": "a", "temporary_unavailable": "b", "name": "", "other": "c"})
    named, removed = user(_id="2", media={"recorded_name": "a", "name": "d"}), vmbox(_id="3", media={"name": "a"})
    rows = account_rows("vmboxes_greetings/by_media", greeted, named, {**removed, "pvt_deleted": True})
    assert rows == [("a", "unavailable"), ("a", "recorded_name"), ("b", "temporary_unavailable")]


def test_words_are_those_that_searches_look_for(account_rows: Rows) -> None:
    names = [
        "Jos\u00e9 Jose\u0301 \u00c9LAN",
        "O\u2019Brien & Söhne GmbH",
        "AT&T, Inc.",
        "Łódź Øresund Straße Æther İstanbul \u0131s\u0131",
        "ΟΔΟΣ Ёлка Việt 株式会社 한국 \uff41\uff42\uff43\uff11\uff12",
        " \t\u00a0- -- (x) ",
        "a" * 300,
    ]
    letters = "".join(chr(code) for code in range(0x21, 0x3000) if unicodedata.category(chr(code)).startswith("L"))
    names += [" ".join(letters[start : start + 400]) for start in range(0, len(letters), 400)]
    boxes = [vmbox(_id=f"box{n}", name=name, mailbox="*101", aliases=["+49 30"]) for n, name in enumerate(names)]
    rows = account_rows("vmboxes_lists/by_word", *boxes)
    assert {key for key, _ in rows} == folding.words([*names, "*101", "+49 30"])


def test_the_documents_of_a_user_are_found_by_type(account_rows: Rows) -> None:
    docs = [vmbox(), vmbox(_id="gone", pvt_deleted=True), vmbox(_id="nobody's", owner_id=None)]
    assert account_rows("attributes/owned", *docs) == [([USER_ID, "vmbox"], BOX_ID)]


# --- a MODb ---


def test_a_mailboxs_messages_are_listed_with_their_summaries(modb_rows: Rows) -> None:
    assert modb_rows("mailbox_messages/listing_by_mailbox", message()) == [([BOX_ID, TIMESTAMP], SUMMARY)]


def test_an_accounts_messages_are_listed_by_time(modb_rows: Rows) -> None:
    assert modb_rows("mailbox_messages/listing_by_timestamp", message()) == [([TIMESTAMP, BOX_ID], SUMMARY)]


def test_messages_can_be_counted_by_folder_and_by_mailbox(modb_rows: Rows) -> None:
    saved = message({"folder": "saved", "timestamp": TIMESTAMP + 1})
    assert modb_rows("mailbox_messages/count_per_folder", saved) == [(["saved", TIMESTAMP + 1, BOX_ID], None)]
    assert modb_rows("mailbox_messages/count_per_box_folder") == [([BOX_ID, "saved", TIMESTAMP + 1], None)]


def test_a_summary_says_whether_there_is_a_transcription(modb_rows: Rows) -> None:
    good = message(transcription={"result": "success", "text": "Hello."})
    bad = message(_id="201605-0", transcription={"result": "failed"})
    rows = modb_rows("mailbox_messages/listing_by_mailbox", good, bad)
    assert sorted(value["transcribed"] for _, value in rows) == [False, True]


@pytest.mark.parametrize("view", [*MESSAGE_VIEWS, "missing_metadata"])
def test_removed_messages_and_other_documents_are_in_no_view_of_messages(modb_rows: Rows, view: str) -> None:
    removed = message({"folder": "deleted"}, pvt_deleted=True)
    assert modb_rows(f"mailbox_messages/{view}", removed, message(_id="cdr", pvt_type="cdr")) == []
    assert modb_rows("mailbox_message_counts/by_box_folder", reduce=False) == []


def test_a_message_in_the_folder_deleted_is_still_listed(modb_rows: Rows) -> None:
    [(_, value)] = modb_rows("mailbox_messages/listing_by_mailbox", message({"folder": "deleted"}))
    assert value["folder"] == "deleted"


def test_numbers_stored_as_text_are_numbers_in_the_views(modb_rows: Rows) -> None:
    doc = message({"timestamp": str(TIMESTAMP), "length": "3140"}, utc_seconds=None)
    assert modb_rows("mailbox_messages/listing_by_mailbox", doc) == [([BOX_ID, TIMESTAMP], SUMMARY)]
    assert modb_rows("mailbox_message_counts/by_box_folder", reduce=False) == [([BOX_ID, "new", TIMESTAMP], None)]


def test_a_message_without_a_folder_counts_as_new(modb_rows: Rows) -> None:
    rows = modb_rows("mailbox_messages/count_per_box_folder", message({"folder": None}))
    assert rows == [([BOX_ID, "new", TIMESTAMP], None)]
    assert modb_rows("mailbox_message_counts/by_box_folder", reduce=False) == rows


def test_a_message_that_lost_its_metadata_is_found_and_still_listed(modb_rows: Rows) -> None:
    doc = message()
    del doc["metadata"]
    assert modb_rows("mailbox_messages/missing_metadata", doc) == [(MESSAGE_ID, None)]
    summary = {"timestamp": TIMESTAMP, "folder": "new", "media_id": MESSAGE_ID, "transcribed": False}
    assert modb_rows("mailbox_messages/listing_by_mailbox") == [([BOX_ID, TIMESTAMP], summary)]


def test_a_message_with_metadata_is_not_missing_it(modb_rows: Rows) -> None:
    assert modb_rows("mailbox_messages/missing_metadata", message()) == []


@pytest.mark.parametrize(
    ("doc", "age"),
    [
        (message({"timestamp": TIMESTAMP + 3}, utc_seconds=TIMESTAMP + 1, timestamp=TIMESTAMP + 2), TIMESTAMP + 1),
        (message({"timestamp": TIMESTAMP + 3}, utc_seconds=None, timestamp=TIMESTAMP + 2), TIMESTAMP + 2),
        (message({"timestamp": TIMESTAMP + 3}, utc_seconds="undefined"), TIMESTAMP + 3),
        (message({"timestamp": None}, utc_seconds=None), 63630058700),
        (message({"timestamp": None}, utc_seconds=None, pvt_created=None), None),
    ],
)
def test_counts_use_the_first_time_that_a_message_has(modb_rows: Rows, doc: dict[str, Any], age: int | None) -> None:
    assert modb_rows("mailbox_message_counts/by_box_folder", doc, reduce=False) == [([BOX_ID, "new", age], None)]


@pytest.mark.parametrize("age", [0, TIMESTAMP - 40 * 86_400, TIMESTAMP + 40 * 86_400, 10**15])
def test_a_message_from_another_month_is_counted_with_its_age(modb_rows: Rows, age: int) -> None:
    doc = message(utc_seconds=age)
    assert modb_rows("mailbox_message_counts/by_box_folder", doc, reduce=False) == [
        ([BOX_ID, ["new", age], age], None)
    ]
    assert modb_rows("mailbox_message_counts/by_day", reduce=False) == [([age // 86_400, BOX_ID, ["new", age]], None)]
    assert modb_rows("mailbox_message_counts/by_age") == [([age, BOX_ID, ["new", age]], None)]


def test_messages_whose_age_differs_from_their_listed_time_are_listed_by_the_earlier(modb_rows: Rows) -> None:
    older = message(utc_seconds=TIMESTAMP - 9)
    newer = message(_id="201605-1", utc_seconds=TIMESTAMP + 9)
    same = message({"timestamp": str(TIMESTAMP)}, _id="201605-2")
    undated = message({"timestamp": None}, _id="201605-3", utc_seconds=None)
    rows = modb_rows("mailbox_message_lists/misdated", older, newer, same, undated)
    expected = {"box_id": BOX_ID, "removed": False, "silent": True, "summary": SUMMARY}
    assert rows == [
        (TIMESTAMP - 9, {**expected, "age": TIMESTAMP - 9}),
        (TIMESTAMP, {**expected, "age": TIMESTAMP + 9}),
    ]
    removed = message(_id="201605-4", utc_seconds=TIMESTAMP - 99, pvt_deleted=True)
    moved = message(_id="201605-5", utc_seconds=TIMESTAMP - 99, pvt_deleted=True, pvt_moved_to="201605-6")
    [(key, value), *_] = modb_rows("mailbox_message_lists/misdated", removed, moved)
    assert (key, value["removed"], "removed" in value["summary"]) == (TIMESTAMP - 99, True, True)
    assert len(modb_rows("mailbox_message_lists/misdated")) == 3


def test_the_counts_of_many_mailboxes_come_from_one_reduce(modb_rows: Rows, new_database: Database) -> None:
    folders = ["new", "new", "saved", "deleted", "new"]
    docs = [
        message({"folder": folder}, _id=f"201605-{box}{i}", source_id=box)
        for box in ("a", "b")
        for i, folder in enumerate(folders)
    ]
    new_database.put_all(docs)
    rows = modb_rows("mailbox_message_counts/by_box_folder", group_level=2)
    assert rows == [([box, folder], n) for box in "ab" for folder, n in [("deleted", 1), ("new", 3), ("saved", 1)]]
    older = modb_rows(
        "mailbox_message_counts/by_box_folder",
        group_level=2,
        startkey=["a", "new", TIMESTAMP + 1],
        endkey=["a", "new", {}],
    )
    assert older == []


# --- the accounts database ---


@pytest.mark.parametrize(
    ("view", "key"),
    [("listing_by_realm", "aeac33.sip.2600hz.com"), ("listing_by_name", "bigcorp2"), ("listing_by_api", "ab" * 32)],
)
def test_an_account_is_found_by_realm_name_and_api_key(accounts_rows: Rows, view: str, key: str) -> None:
    others = [account(_id="gone", pvt_deleted=True), account(_id="other", pvt_type="limits")]
    rows = accounts_rows(f"accounts/{view}", account(), *others)
    assert rows == [(key, {"account_id": ACCOUNT_ID, "account_db": ACCOUNT_DB})]


def test_an_account_without_realm_and_api_key_is_not_found_by_them(accounts_rows: Rows) -> None:
    assert accounts_rows("accounts/listing_by_realm", account(realm=None, pvt_api_key=None)) == []
    assert accounts_rows("accounts/listing_by_api") == []


def test_a_name_keeps_its_letters_beyond_ascii(accounts_rows: Rows) -> None:
    [(key, _)] = accounts_rows("accounts/listing_by_name", account(name="Größe: 寿司 & Sons"))
    assert key == "größe寿司sons"


def test_an_account_is_found_by_each_word_of_its_name_and_realm(accounts_rows: Rows) -> None:
    docs = [
        account(name="Big Corp. #2", realm="b.example"),
        account(_id="x", pvt_deleted=True),
        account(_id="y", name=7),
    ]
    rows = accounts_rows("vmboxes_names/by_word", *docs)
    assert {"big", "corp", "2", "bexample", "example"} <= {key for key, _ in rows}


def test_an_account_is_found_as_descendant_of_each_ancestor_and_as_child_of_its_parent(accounts_rows: Rows) -> None:
    docs = [account(pvt_tree=["master", "parent"]), account(_id="master"), account(_id="x", pvt_deleted=True)]
    rows = accounts_rows("vmboxes_accounts/by_ancestor", *docs)
    value = {"id": ACCOUNT_ID, "name": "Big Corp. #2", "realm": "aeac33.sip.2600hz.com", "tree": ["master", "parent"]}
    assert rows == [(["master", "Big Corp. #2"], value), (["parent", "Big Corp. #2"], value)]
    assert accounts_rows("vmboxes_accounts/by_parent") == [(["parent", "Big Corp. #2"], value)]


def test_disabled_accounts_are_found_by_name(accounts_rows: Rows) -> None:
    others = [account(_id="1"), account(_id="2", enabled=True), account(_id="3", enabled=False, pvt_deleted=True)]
    off = [account(_id="4", name="B", enabled="false"), account(_id="5", name="A", enabled=True, pvt_enabled=False)]
    assert accounts_rows("vmboxes_disabled/by_name", *others, *off) == [("A", None), ("B", None)]


def test_mailboxes_that_state_a_limit_are_found(account_rows: Rows) -> None:
    limited = vmbox(_id="limited", name="A", mailbox="3001", max_message_count="7", messages=[legacy_message()])
    removed = vmbox(_id="removed", max_message_count=7, pvt_deleted=True)
    value = {"maximum": "7", "name": "A", "mailbox": "3001", "messages": 1}
    rows = account_rows("vmboxes_limits/by_mailbox", vmbox(_id="unlimited"), limited, removed)
    assert rows == [("limited", value)]


# --- media ---


def test_media_are_listed_by_name(account_rows: Rows) -> None:
    others = [MEDIA | {"_id": "1", "pvt_deleted": True}, MEDIA | {"_id": "2", "pvt_type": "private_media"}]
    prompt = MEDIA | {"_id": "3", "name": "A prompt", "prompt_id": "vm-enter_id"}
    value = {"id": "media", "name": "Away", "language": "en-us", "media_source": "upload", "is_prompt": False}
    assert account_rows("media/crossbar_listing", MEDIA, prompt, *others) == [
        ("A prompt", value | {"id": "3", "name": "A prompt", "is_prompt": True}),
        ("Away", value),
    ]


# --- dirt ---


@pytest.mark.parametrize(("kind", "pvt_types"), [("account", ["vmbox", "user", "media"]), ("accounts", ["account"])])
def test_no_dirt_keeps_a_clean_document_from_its_views(
    new_database: Database, kind: str, pvt_types: list[str]
) -> None:
    fields = [
        "name",
        "mailbox",
        "aliases",
        "messages",
        "flags",
        "owner_id",
        "username",
        "realm",
        "pvt_tree",
        "pvt_deleted",
        "media",
        "max_message_count",
    ]
    dirty = [
        {"_id": f"{field}-{i}-{pvt_type}", "pvt_type": pvt_type, field: dirt}
        for pvt_type in pvt_types
        for field in fields
        for i, dirt in enumerate(DIRT)
    ]
    new_database.put_all(dirty)
    changes = sync(new_database, kind)
    clean = (
        [
            vmbox(messages=[legacy_message()], media={"unavailable": "media"}, max_message_count=5),
            vmbox(_id="removed", pvt_deleted=True),
            user(),
            MEDIA,
        ]
        if kind == "account"
        else [account(pvt_tree=["master"]), account(_id="disabled", pvt_enabled=False)]
    )
    new_database.put_all(clean)
    for change in changes:
        for view in change.views:
            design = change.design.removeprefix("_design/")
            unreduced = {"reduce": False} if design == "vmboxes_legacy" and view == "by_box" else {}
            rows = new_database.view(design, view, **unreduced)
            assert {row["id"] for row in rows} & {doc["_id"] for doc in clean}, view


def test_messages_with_any_dirt_are_listed(modb_rows: Rows, new_database: Database) -> None:
    fields = ["metadata", "transcription", "utc_seconds", "timestamp", "source_id", "pvt_created"]
    docs = [message(_id=f"201605-{field}{i}") | {field: dirt} for field in fields for i, dirt in enumerate(DIRT)]
    inner = ["timestamp", "folder", "length", "media_id", "from"]
    docs += [
        message({field: dirt} if dirt is not None else {}, _id=f"201605-m-{field}{i}")
        for field in inner
        for i, dirt in enumerate(DIRT)
    ]
    new_database.put_all(docs)
    for view in MESSAGE_VIEWS:
        assert len(modb_rows(f"mailbox_messages/{view}")) == len(docs)
    assert modb_rows("mailbox_message_counts/by_box_folder") == [(None, len(docs))]
