"""Every page and every GET of the API over a zoo of odd documents: none of them is an error of the service's."""

import base64
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pytest

from couch.client import couch
from couch.database import Database
from storage import database_names, gregorian, modbs
from tests.support import kazoo_documents as kazoo
from tests.support.api_client import Account, Api
from tests.support.every_page import fill_in, parameters, paths
from tests.support.kazoo_messages import document as message_document
from tests.support.odd_documents import Document, all_at_once, one_by_one
from tests.support.operators import Desk
from tests.support.servers import Running

SANE = ("_id", "_attachments", "pvt_type", "pvt_deleted", "pvt_tree", "source_id", "messages")
"""Without these, a document wouldn't be found at all."""
AUDIO = {"msg.mp3": {"content_type": "audio/mpeg", "data": base64.b64encode(b"ID3 some audio").decode()}}
BOX = kazoo.vmbox(
    pin="1234",
    aliases=["3998"],
    flags=["a"],
    media={"unavailable": "1" * 32},
    members=[{"id": "1" * 32, "type": "user"}],
    notify={"callback": {"attempts": 1, "schedule": [1], "number": "1", "disabled": True}},
    notify_email_addresses=["a@example.com"],
    notify_email_address="b@example.com",
    operator_number=7,
    seek_duration_ms=7,
    skip_greeting=True,
    media_extension="mp3",
    pvt_alphanum_name="vmbox0",
    pvt_removed_at=63_630_058_722,
)
USER = kazoo.user(
    email="a@example.com",
    priv_level="admin",
    timezone="Europe/Berlin",
    flags=["a"],
    presence_id="1",
    call_forward={"enabled": True, "number": "1"},
    caller_id={"internal": {"name": "A", "number": "1"}},
    vm_to_email_enabled=True,
    hotdesk={"pin": "1234"},
)
ACCOUNT = kazoo.account(timezone="Europe/Berlin", language="en-us", pvt_reseller_id="a", pvt_enabled=True)
SETTINGS = {"voicemail": {"message_retention_duration": 3}, "pvt_type": "config"}
MESSAGE = {
    "transcription": {"result": "success", "text": "Hello"},
    "history": ["a" * 32],
    "media_filename": "msg.mp3",
    "pvt_moved_to": "a",
    "pvt_removed_from": "new",
    "pvt_attachments": {"msg.mp3": {"handler": {"kz_att_link": {"att_dbname": "a", "att_docid": "b"}}}},
}
MEDIA = {"pvt_created": 1, "transcription": {"text": "a"}, "media_filename": "a", "description": "a"}
GREETING = {
    "pvt_type": "media",
    "name": "Greeting",
    "description": "a",
    "media_source": "upload",
    "source_type": "voicemail",
    "source_id": "a",
    "streamable": True,
    "language": "en-us",
    "prompt_id": "vm-enter_pass",
    "content_type": "audio/mpeg",
    "content_length": 14,
    "tts": {"text": "Hello", "voice": "female/en-US"},
}
WEBHOOK = {
    "name": "CRM",
    "uri": "https://crm.example.com/",
    "hook": "notifications",
    "http_verb": "post",
    "retries": 2,
    "format": "json",
    "enabled": False,
    "include_subaccounts": True,
    "include_internal_legs": True,
    "custom_data": {"type": "voicemail_new", "action": "all"},
    "custom_request_headers": {"X-A": "b"},
    "version": "v2",
    "security_settings": {"sha256_key": "a"},
    "pvt_disabled_message": "failures",
    "pvt_created": 1,
}
ATTEMPT = {
    "hook_event": "notifications",
    "event_id": "a",
    "uri": "https://crm.example.com/",
    "method": "post",
    "req_headers": {"X-A": "b"},
    "req_body": "{}",
    "resp_status_code": 503,
    "resp_headers": {"server": "b"},
    "resp_body": "no",
    "try": 1,
    "retries": 2,
    "retries_left": 1,
    "result": "failure",
    "reason": "bad response code",
    "client_error": "a",
    "next_try": 63_630_058_722,
    "pvt_event_name": "voicemail_new",
    "pvt_event_data": {"a": 1},
}
WITHOUT_FOLLOWER = "/health/events"
"""What is answered by 503 as long as nobody follows changes."""
LISTS = ("vmboxes", "media", "webhooks", "attempts", "messages", "users", "children", "descendants")
LIST_QUERIES = ("", "page_size=2000", "paginate=false", "accept=csv", "folder=new", "filter_name=a")
DESK_QUERIES = (
    "",
    "&q=abc",
    "&box={box}",
    "&box={box}&removed=yes",
    "&removed=yes",
    "&below={account}",
    "&folder=new",
)


@dataclass
class Zoo:
    """What the parameters of paths stand for; messages are in the first mailbox, those of 3.x in the second."""

    account: Account
    values: dict[str, list[str]]
    old_messages: list[str]

    @property
    def first_values(self) -> dict[str, list[str]]:
        """One value of each parameter."""
        return {name: values[:1] for name, values in self.values.items()}


@pytest.fixture(scope="module")
def zoo(new_account: Callable[..., Account]) -> Zoo:
    """An account with odd mailboxes, users and messages, and odd accounts below it."""
    account = new_account()
    db = couch().database(database_names.account_db(account.id))
    box_id = put(db, [kazoo.vmbox(owner_id=account.user_id)])[0]
    old_box_id, old_messages = leave_old_messages(db)
    box = {**BOX, "owner_id": account.user_id}
    removed_boxes = ({**odd, "pvt_deleted": True} for odd in list(all_at_once(box, SANE))[:3])
    odd_boxes = put(db, [*all_at_once(box, SANE), *removed_boxes])
    odd_users = put(db, all_at_once(USER, SANE))
    put(db, [*one_by_one(box, ("_id",)), *one_by_one(USER, ("_id",)), *one_by_one(GREETING)])
    values = {
        "account_id": [account.id, *odd_accounts(new_account, account)],
        "box_id": [box_id, old_box_id, *odd_boxes],
        "user_id": [account.user_id, *odd_users],
        "message_id": leave_messages(account, box_id),
        "media_id": put(db, all_at_once({**GREETING, "_attachments": AUDIO}, SANE)),
        "hook_id": (hook_ids := leave_webhooks(account)),
        "attempt_id": leave_attempts(account, hook_ids[0]),
        "name": ["vmboxes"],
        "app_label": ["desk"],
        "file_format": ["csv"],
        "url": ["nowhere/"],
    }
    return Zoo(account, values, old_messages)


def put(db: Database, docs: Iterable[Document], prefix: str = "") -> list[str]:
    """Store documents under new ids, which are returned."""
    named = [{**doc, "_id": prefix + uuid.uuid4().hex} for doc in docs]
    assert not [saved for saved in db.put_all(named) if saved.error]
    return [str(doc["_id"]) for doc in named]


def leave_messages(account: Account, box_id: str) -> list[str]:
    """Store odd messages of a mailbox, with and without audio, live and removed; ids of all kinds of them."""
    now = gregorian.now()
    modb = modbs.ensure(account.id, month := gregorian.month_of(now))
    sane = {**message_document(account, {"id": box_id, "mailbox": "3000"}, now), **MESSAGE}
    with_audio = list(all_at_once({**sane, "_attachments": AUDIO}, SANE))
    linked = [doc for doc in all_at_once(sane, SANE) if "pvt_attachments" in doc]
    removed = [{**doc, "pvt_deleted": True} for doc in with_audio[:5]]
    put(modb, one_by_one(sane, ("_id",)), f"{month}-")
    return put(modb, [*with_audio, *linked[:4], *removed], f"{month}-")


def leave_webhooks(account: Account) -> list[str]:
    """Store odd webhooks of an account, all of them disabled; their ids."""
    hooks = couch().database(database_names.WEBHOOKS)
    sane = {**WEBHOOK, "pvt_type": "webhook", "pvt_account_id": account.id}
    kept = (*SANE, "pvt_account_id", "enabled")
    put(hooks, one_by_one(sane, kept))
    return put(hooks, all_at_once(sane, kept))


def leave_attempts(account: Account, hook_id: str) -> list[str]:
    """Store odd attempts to send for a webhook; their ids."""
    now = gregorian.now()
    modb = modbs.ensure(account.id, month := gregorian.month_of(now))
    sane = {**ATTEMPT, "pvt_type": "webhook_attempt", "pvt_created": now, "hook_id": hook_id}
    put(modb, one_by_one(sane, ("hook_id",)), f"{month}-")
    return put(modb, all_at_once(sane, (*SANE, "hook_id")), f"{month}-")


def leave_old_messages(db: Database) -> tuple[str, list[str]]:
    """Store a mailbox with odd messages of 3.x, and their odd media documents: its id, and theirs."""
    media = all_at_once({**MEDIA, "pvt_type": "private_media", "_attachments": AUDIO}, SANE)
    media_ids = put(db, media)
    odd_entries = all_at_once(kazoo.legacy_message(), ("media_id",))
    entries = [{**entry, "media_id": media_id} for entry, media_id in zip(odd_entries, media_ids, strict=True)]
    unread = [*one_by_one(kazoo.legacy_message()), 7, None]
    return put(db, [kazoo.vmbox(mailbox="3001", messages=[*entries, *unread])])[0], media_ids


def odd_accounts(new_account: Callable[..., Account], parent: Account) -> list[str]:
    """Create accounts with odd documents and settings below another; their ids."""
    ids = []
    for odd, odd_settings in zip(all_at_once(ACCOUNT, SANE), all_at_once(SETTINGS, SANE), strict=True):
        account_id = new_account(parent=parent.id).id
        db = couch().database(database_names.account_db(account_id))
        for database in (db, couch().database(database_names.ACCOUNTS)):
            doc = database.get(account_id) or {}
            database.put({**odd, **{key: doc[key] for key in ("_id", "_rev", "pvt_tree")}})
        db.put({**odd_settings, "_id": "configs_callflow"})
        ids.append(account_id)
    return ids


def addresses(zoo: Zoo) -> Iterator[str]:
    """Every path of the service, with all documents that its last parameter may name; lists with several queries."""
    box_id = zoo.values["box_id"][0]
    for path in paths():
        names = parameters(path)
        values = zoo.first_values | {name: zoo.values.get(name, ["1"]) for name in names[-1:]}
        if "user_id" in names[:-1]:  # the same code as without the user
            values = {name: some[:2] for name, some in values.items()}
        filled = list(fill_in(path, values))
        if names[-1:] == ["message_id"]:
            old = {"box_id": zoo.values["box_id"][1:2], "message_id": zoo.old_messages}
            filled += fill_in(path, values | old)
        queries: Iterable[str] = ("",)
        if path.startswith("v2/") and filled[0].endswith(LISTS):
            queries = LIST_QUERIES
        elif path.startswith("admin/desk/") and not names:
            queries = [f"account={zoo.account.id}{query}" for query in DESK_QUERIES]
        for query in queries:
            yield f"/{filled[0]}?{query.format(box=box_id, account=zoo.account.id)}"
        yield from (f"/{address}" for address in filled[1:])


def test_no_odd_document_is_an_error_of_the_service(
    zoo: Zoo, log_in: Callable[..., Api], operator: Callable[..., Desk], server: Running
) -> None:
    desk, api = operator(), log_in(zoo.account)
    errors, counts = [], Counter[int]()
    for address in addresses(zoo):
        is_page = not address.startswith("/v2/")
        answer = desk.session.get(server.url + address, timeout=60) if is_page else api.get(address)
        counts[answer.status_code] += 1
        if answer.status_code >= 500 and not address.startswith(WITHOUT_FOLLOWER):
            errors.append((address, answer.status_code))
    assert not errors
    assert counts[200] > 700, counts


def test_odd_documents_can_be_changed_beside_what_is_odd(zoo: Zoo, log_in: Callable[..., Api]) -> None:
    api = log_in(zoo.account)
    kinds = {"vmboxes": zoo.values["box_id"], "users": zoo.values["user_id"], "": zoo.values["account_id"]}
    for kind, ids in kinds.items():
        for doc_id in ids:
            path = f"{kind}/{doc_id}" if kind else f"/v2/accounts/{doc_id}"
            if api.get(path).status_code == 200:
                patched = api.patch(path, {"some_key": 1})
                assert patched.status_code == 200, (path, patched.text)
                replaced = api.post(path, {**patched.json()["data"], "some_key": 2})
                assert replaced.status_code == 200, (path, replaced.text)


def test_odd_documents_can_be_changed_at_the_desk(zoo: Zoo, operator: Callable[..., Desk]) -> None:
    desk, account_id = operator(), zoo.account.id
    pages = [(f"desk/mailbox/{account_id}/{box_id}/", "media_extension", "wav") for box_id in zoo.values["box_id"]]
    pages += [(f"desk/accountuser/{account_id}/{user_id}/", "language", "fr") for user_id in zoo.values["user_id"]]
    pages += [(f"desk/account/{account_id}/", "language", "fr") for account_id in zoo.values["account_id"]]
    for path, field, value in pages:
        page = desk.get(f"{path}change/")
        if page.url.endswith("change/"):
            answer = desk.fill_in(f"{path}change/", page, **{field: value})
            assert "was changed" in answer.text, (path, field)


def test_odd_messages_can_be_changed_copied_zipped_and_removed(zoo: Zoo, log_in: Callable[..., Api]) -> None:
    api = log_in(zoo.account)
    (box_id, old_box_id), other_box = zoo.values["box_id"][:2], api.new_box()["id"]
    for source, ids in ((box_id, zoo.values["message_id"]), (old_box_id, zoo.old_messages)):
        path = f"vmboxes/{source}/messages"
        for data in ({"folder": "saved"}, {"source_id": [other_box]}, {"source_id": other_box}):
            answer = api.post(path, {"messages": ids, **data})
            assert answer.status_code == 200, answer.text
        moved = api.get(f"vmboxes/{other_box}/messages?page_size=1000").json()["data"]
        archive = api.post(f"vmboxes/{other_box}/messages/raw", {"messages": [entry["media_id"] for entry in moved]})
        assert (archive.status_code, archive.content[:2]) == (200, b"PK")
        assert api.delete(path).status_code == 200
    assert api.delete(f"vmboxes/{other_box}/messages").status_code == 200
