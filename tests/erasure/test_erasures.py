"""Deletion for good: what goes, what stays, what waits, and what can be undone."""

import io
import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts import account_index, accounts, users
from accounts.api_keys import store as api_keys
from accounts.models import ApiKeyUse
from couch.client import couch
from couch.database import Database
from desk.models import AuditEntry, MessageRun, MessageRunLine
from erasure import jobs, planning, removal
from erasure.models import Erasure, ErasureItem
from erasure.planning import Refused
from notifications.models import Mail
from search import index as search_index
from search.models import Entry
from storage import database_names, gregorian, maintenance
from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.erasures import (
    MARK,
    confirm,
    do_job,
    let_time_pass,
    new_operator_id,
    plan_and_erase,
    texts_of,
)
from tests.support.kazoo_messages import audio_of, leave, leave_spoken, stored
from tests.support.servers import Service
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import bulk, move, restore
from webhooks import attempts

Kind, State = Erasure.Kind, Erasure.State
AUDIO = b"ID3" + MARK.encode() + bytes(range(256)) * 8


@pytest.fixture(autouse=True)
def models(service: Service) -> Iterator[None]:
    with service.models():
        yield


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000", name=MARK)


def is_marked(account: Account) -> bool:
    """Whether CouchDB can be made to say anything of what was to be erased."""
    return any(MARK in text for text in texts_of(account.id))


def document_of(account: Account) -> dict[str, Any]:
    return accounts.get(account.id)


def test_a_message_is_gone_with_its_old_revisions_where_it_was_before_and_whatever_names_it(
    account: Account, api: Api
) -> None:
    first, second = (api.new_box(number) for number in ("3000", "3001"))
    old_id = leave_spoken(account, first, gregorian.now(), AUDIO, caller_id_name=MARK)
    boxes = [mailbox_store.get(account.id, box["id"]) for box in (first, second)]
    outcome = move.move_messages(document_of(account), boxes[0], [old_id], boxes[1], None)
    (message_id,) = outcome.succeeded
    bulk.change_folder(document_of(account), boxes[1], [message_id], "saved", None)
    attempts.store_attempt(
        account.id, {"hook_id": "1" * 32, "req_body": f'{{"voicemail_id": "{message_id}", "{MARK}"'}
    )
    attempts.store_attempt(account.id, {"hook_id": "1" * 32, "req_body": "of another one"})
    mail = {"template": "t", "account_id": account.id, "due_at": timezone.now(), "subject": MARK}
    for mailed_id in (message_id, "202001-another"):
        Mail.objects.create(event_id=secrets.token_hex(16), mailbox_id=second["id"], message_id=mailed_id, **mail)
    search_index.put_documents(database_names.modb(account.id, message_id[:6]), [stored(account, message_id)])
    entry = AuditEntry.objects.create(action="moved", kind="message", document_id=message_id, name=MARK)

    run = MessageRun.objects.create(account_id=account.id, operator_id=new_operator_id(), action="move")
    ids = {"box_id": first["id"], "message_id": old_id, "new_id": message_id}
    line = MessageRunLine.objects.create(run=run, title=f"{MARK} 2025550143", problem=MARK, **ids)

    assert Entry.objects.filter(document_id=message_id).exists()
    erasure = do_job(planning.plan(Kind.MESSAGE, account.id, message_id, new_operator_id(), mailbox_id=second["id"]))
    assert (erasure.messages, erasure.documents, erasure.bytes) == (1, 2, 2 * len(AUDIO))
    assert stored(account, message_id).get("pvt_deleted") is not True
    erasure = confirm(erasure)
    assert stored(account, message_id)["pvt_deleted"] is True
    assert audio_of(account, message_id) == AUDIO
    assert is_marked(account)
    erasure = let_time_pass(erasure)
    assert erasure.state == State.DONE, erasure.problem
    assert not is_marked(account)
    assert stored(account, old_id) == stored(account, message_id) == {}
    assert set(Mail.objects.filter(account_id=account.id).values_list("message_id", flat=True)) == {"202001-another"}
    assert not Entry.objects.filter(document_id=message_id).exists()
    entry.refresh_from_db()
    assert (entry.name, entry.document_id) == ("", message_id)
    line.refresh_from_db()
    assert (line.title, line.problem, line.new_id) == ("", "", message_id)
    record = AuditEntry.objects.get(action="deleted for good", document_id=message_id)
    assert MARK not in f"{record.name} {record.difference}"
    assert any("of another one" in text for text in texts_of(account.id))


def test_a_copy_stays_unless_it_is_chosen(account: Account, api: Api) -> None:
    first, second = (mailbox_store.get(account.id, api.new_box(number)["id"]) for number in ("3000", "3001"))
    box = {**first, "id": first["_id"]}
    for groups in ((), ("copies",)):
        message_id = leave_spoken(account, box, gregorian.now(), AUDIO, caller_id_name=MARK)
        (copy_id,) = move.copy_messages(document_of(account), first, [message_id], [second], None).succeeded
        plan_and_erase(Kind.MESSAGE, account.id, message_id, *groups)
        assert stored(account, message_id) == {}
        assert bool(stored(account, copy_id)) is (not groups)
        if not groups:
            assert audio_of(account, copy_id) == AUDIO
            plan_and_erase(Kind.MESSAGE, account.id, copy_id)
    assert not is_marked(account)


def test_a_mailbox_goes_with_its_messages_their_recordings_of_3x_and_greetings_that_only_it_uses(
    account: Account, api: Api, box: dict[str, Any], db: Database
) -> None:
    other_box = api.new_box("3001")
    for media_id in ("a" * 32, "b" * 32):
        media = {"_id": media_id, "pvt_type": "media", "name": MARK if media_id[0] == "a" else "shared"}
        db.put_with_attachment(media, "hello.mp3", "audio/mpeg", io.BytesIO(AUDIO), len(AUDIO))
    api.patch(f"vmboxes/{box['id']}", {"media": {"unavailable": "a" * 32, "name": "b" * 32}})
    api.patch(f"vmboxes/{other_box['id']}", {"media": {"unavailable": "b" * 32}})
    month = 31 * 86_400
    ids = [leave_spoken(account, box, gregorian.now() - age, AUDIO, caller_id_name=MARK) for age in (0, month)]
    (entry_id,) = old_messages.add(account, box["id"], [old_messages.make_entry(caller_id_name=MARK)], AUDIO)
    (kept_id,) = leave(account, other_box, [gregorian.now()])

    erasure = do_job(planning.plan(Kind.MAILBOX, account.id, box["id"], new_operator_id()))
    assert (erasure.messages, erasure.milliseconds) == (3, 2 * 1000 + 3140)
    assert set(erasure.items.filter(kind="media").values_list("document_id", flat=True)) == {"a" * 32, entry_id}
    erasure = confirm(erasure)
    (late_id,) = leave(account, box, [gregorian.now()], caller_id_name=MARK)
    assert let_time_pass(erasure).state == State.DONE
    for gone_id in (*ids, late_id):
        assert stored(account, gone_id) == {}
    assert db.get(box["id"]) is db.get("a" * 32) is db.get(entry_id) is None
    assert stored(account, kept_id)
    assert db.get("b" * 32)
    marked = [text for text in texts_of(account.id) if MARK in text]
    assert not marked, marked[0][:500]


def test_undoing_it_brings_a_mailbox_back_as_it_was(account: Account, box: dict[str, Any], db: Database) -> None:
    message_id = leave_spoken(account, box, gregorian.now(), AUDIO, caller_id_name=MARK, folder="saved")
    erasure = confirm(do_job(planning.plan(Kind.MAILBOX, account.id, box["id"], new_operator_id())))
    assert mailbox_store.is_live(db.get(box["id"])) is False
    assert planning.undo(erasure)
    assert do_job(erasure).state == State.UNDONE
    assert mailbox_store.get(account.id, box["id"])["name"] == MARK
    assert (stored(account, message_id)["metadata"]["folder"], audio_of(account, message_id)) == ("saved", AUDIO)
    assert not planning.undo(erasure)


def test_what_somebody_restored_meanwhile_is_not_erased_until_an_operator_says_so(
    account: Account, box: dict[str, Any], db: Database
) -> None:
    ids = leave(account, box, [gregorian.now()] * 3, caller_id_number="+49 30 901820", caller_id_name=MARK)
    erasure = do_job(planning.plan_caller(["004930901820"], [account.id], new_operator_id()))
    erasure = confirm(erasure)
    restore.restore_messages(document_of(account), box["id"], ids[:1], None)
    erasure = let_time_pass(erasure)
    assert erasure.state == State.HELD
    assert [bool(stored(account, message_id)) for message_id in ids] == [True, False, False]
    assert not planning.undo(erasure)
    assert planning.erase_changed(erasure)
    assert do_job(erasure).state == State.DONE
    assert stored(account, ids[0]) == {}

    erasure = confirm(do_job(planning.plan(Kind.MAILBOX, account.id, box["id"], new_operator_id())))
    db.update(box["id"], lambda doc: {**doc, "pvt_deleted": False})
    erasure = let_time_pass(erasure)
    assert erasure.state == State.HELD
    assert db.get(box["id"])
    assert planning.leave_changed(erasure)
    assert planning.get(erasure.pk).state == State.CANCELLED
    assert mailbox_store.get(account.id, box["id"])["name"] == box["name"]


def test_a_user_goes_with_credentials_and_mailboxes_if_these_are_chosen(account: Account, api: Api) -> None:
    for groups in ((), ("mailboxes",)):
        user_id = users.create(
            account.id,
            {"username": f"ada-{len(groups)}", "first_name": MARK, "last_name": "L", "password": "a b c d"},
        )["_id"]
        box = api.new_box(f"400{len(groups)}", owner_id=user_id)
        message_id = leave_spoken(account, box, gregorian.now(), AUDIO)
        link = {"_id": secrets.token_hex(16), "pvt_type": "password_recovery", "owner_id": user_id, "exp": 9e9}
        couch().database(database_names.TOKENS).put(link)
        key, _text = api_keys.create(account.id, user_id, {"name": MARK, "scopes": ["hear"]})
        ApiKeyUse.objects.create(key_id=api_keys.key_id_of(key), account_id=account.id, used_at=1, address=MARK)
        plan_and_erase(Kind.USER, account.id, user_id, *groups)
        assert not is_marked(account)
        assert couch().database(database_names.TOKENS).get(link["_id"]) is None
        assert api_keys.list_keys(account.id) == []
        assert not ApiKeyUse.objects.filter(account_id=account.id).exists()
        assert bool(stored(account, message_id)) is (not groups)
        assert (mailbox_store.find(account.id, box["id"]) is None) is bool(groups)


def test_an_account_goes_with_all_its_databases_but_not_before_those_below_it(
    account: Account, new_account: Callable[..., Account], api: Api, box: dict[str, Any]
) -> None:
    child = new_account(parent=account.id)
    leave_spoken(account, box, gregorian.now(), AUDIO)
    api.put("webhooks", {"name": MARK, "hook": "all", "uri": "http://example.com/", "http_verb": "post"})
    with pytest.raises(Refused, match=child.name):
        planning.plan(Kind.ACCOUNT, account.id, account.id, new_operator_id())
    plan_and_erase(Kind.ACCOUNT, child.id, child.id)
    erasure = do_job(planning.plan(Kind.ACCOUNT, account.id, account.id, new_operator_id()))
    assert (erasure.messages, erasure.bytes) == (1, len(AUDIO))
    erasure = confirm(erasure)
    assert planning.undo(erasure)
    assert do_job(erasure).state == State.UNDONE
    assert accounts.get(account.id)["realm"] == account.realm
    assert account_index.ids_with_realm(account.realm) == [account.id]
    plan_and_erase(Kind.ACCOUNT, account.id, account.id)
    assert maintenance.list_account_databases(account.id) == []
    assert account_index.database().get(account.id) is None
    hooks = couch().database(database_names.WEBHOOKS)
    assert not [row for row in hooks.all_docs(include_docs=True) if row["doc"].get("pvt_account_id") == account.id]


def test_messages_of_a_caller_are_found_however_the_number_is_spelled(
    account: Account, api: Api, box: dict[str, Any]
) -> None:
    spellings = ("+4930901820", "0049 30 901820", "49-30-901820")
    now = gregorian.now()
    ids = [leave(account, box, [now], caller_id_number=text, caller_id_name=MARK)[0] for text in spellings]
    ids += leave(account, box, [now - 400 * 86_400], caller_id_number=spellings[0], caller_id_name=MARK)
    (other_id,) = leave(account, box, [now], caller_id_number="030901820")
    entry = old_messages.make_entry(caller_id_number=spellings[0], caller_id_name=MARK)
    (media_id,) = old_messages.add(account, box["id"], [entry], AUDIO)
    erasure = do_job(planning.plan_caller(["+49 (30) 901820"], [account.id], new_operator_id()))
    assert (erasure.messages, "901820" in erasure.numbers) == (5, False)
    erasure = confirm(erasure)
    assert erasure.numbers == ""
    assert old_messages.read_array(account, box["id"]) == []
    assert let_time_pass(erasure).state == State.DONE
    assert all(stored(account, message_id) == {} for message_id in ids)
    assert stored(account, other_id)
    assert old_messages.database(account).get(media_id) is None
    assert not [text for text in texts_of(account.id) if f'"caller_id_name":"{MARK}"' in text]


def test_a_message_that_is_moved_after_the_preview_is_deleted_where_it_is_then(account: Account, api: Api) -> None:
    first, second = (mailbox_store.get(account.id, api.new_box(number)["id"]) for number in ("3000", "3001"))
    message_id = leave_spoken(account, {**first, "id": first["_id"]}, gregorian.now(), AUDIO)
    erasure = do_job(planning.plan(Kind.MESSAGE, account.id, message_id, new_operator_id()))
    (moved_id,) = move.move_messages(document_of(account), first, [message_id], second, None).succeeded
    erasure = confirm(erasure)
    assert stored(account, moved_id)["pvt_deleted"] is True
    assert let_time_pass(erasure).state == State.DONE
    assert stored(account, moved_id) == stored(account, message_id) == {}


def test_a_preview_that_nobody_confirms_is_forgotten_after_a_day(account: Account, box: dict[str, Any]) -> None:
    erasure = do_job(planning.plan_caller(["+4930901820"], [account.id], new_operator_id()))
    waiting = confirm(do_job(planning.plan(Kind.MAILBOX, account.id, box["id"], new_operator_id())))
    Erasure.objects.filter(pk__in=(erasure.pk, waiting.pk)).update(created_at=timezone.now() - timedelta(days=2))
    jobs.enqueue_overdue.call()
    assert list(Erasure.objects.filter(pk__in=(erasure.pk, waiting.pk))) == [waiting]


def test_a_worker_that_was_killed_is_replaced_and_another_one_keeps_away_meanwhile(
    account: Account, box: dict[str, Any]
) -> None:
    removed_id, message_id = leave(account, box, [gregorian.now()] * 2, caller_id_number="+4930901820")
    bulk.remove_messages(document_of(account), mailbox_store.get(account.id, box["id"]), [removed_id], None, None)
    erasure = do_job(planning.plan_caller(["+4930901820"], [account.id], new_operator_id()))
    assert planning.confirm(erasure, ())
    removal.remove(planning.get(erasure.pk), lambda count: None)
    lease_until = timezone.now() + timedelta(seconds=60)
    Erasure.objects.filter(pk=erasure.pk).update(lease_until=lease_until)
    erasure.items.update(state=ErasureItem.State.LISTED)  # killed before it noted what it had done
    assert do_job(erasure).state == State.REMOVING
    Erasure.objects.filter(pk=erasure.pk).update(lease_until=timezone.now())
    erasure = do_job(erasure)
    assert erasure.state == State.WAITING
    assert planning.undo(erasure)
    assert do_job(erasure).state == State.UNDONE
    assert stored(account, message_id).get("pvt_deleted") is not True
    assert stored(account, removed_id)["pvt_deleted"] is True


def test_an_erasure_without_a_job_gets_one(account: Account, box: dict[str, Any]) -> None:
    erasure = planning.plan(Kind.MAILBOX, account.id, box["id"], new_operator_id())
    DBTaskResult.objects.filter(task_path=jobs.work.module_path).delete()
    jobs.enqueue_overdue.call()
    jobs.enqueue_overdue.call()
    queued = DBTaskResult.objects.filter(task_path=jobs.work.module_path)
    assert [job.args_kwargs["args"] for job in queued if erasure.pk in job.args_kwargs["args"]] == [[erasure.pk]]
