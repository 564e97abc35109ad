"""Deletion for good at the desk: preview, second confirmation, undo, the record, and exports."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import requests

from couch.database import Database
from desk.models import AuditEntry
from erasure import jobs
from erasure.models import Erasure
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import leave, leave_spoken, stored
from tests.support.operators import PIN, Desk, limit
from tests.support.servers import Service

Operator = Callable[..., Desk]
AUDIO = b"ID3" + bytes(range(256)) * 40
PATH = "erasure/erasure/"


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000", name="Reception", pin=PIN)


def work(service: Service, page: requests.Response) -> str:
    """Do the job of the deletion that a page shows; the page's path below /admin/."""
    match = re.search(r"/admin/(erasure/erasure/(\d+)/)", page.url)
    assert match, page.text
    with service.models():
        jobs.work.call(int(match[2]))
    return match[1]


def plan(desk: Desk, service: Service, kind: str, account: Account, document_id: str, **query: str) -> str:
    """The path of a deletion whose preview is ready."""
    names = {"kind": kind, "account": account.id, "id": document_id, **query}
    page = desk.fill_in(f"{PATH}new/", desk.get(f"{PATH}new/", **names))
    return work(service, page)


def test_a_mailbox_is_deleted_after_it_is_typed_and_undone_while_it_waits(
    operator: Operator, account: Account, box: dict[str, Any], service: Service, db: Database
) -> None:
    desk = operator("Administrators")
    message_id = leave_spoken(account, box, gregorian.now(), AUDIO)
    page = desk.get(f"desk/mailbox/{account.id}/{box['id']}/").text
    assert f"{PATH}new/?kind=mailbox&amp;account={account.id}&amp;id={box['id']}" in page
    path = plan(desk, service, "mailbox", account, box["id"])
    page = desk.get(path).text
    assert "Nothing is deleted yet." in page
    assert f'<td class="number">{len(AUDIO)} bytes' in page
    page = desk.send(f"{path}confirm/", word="3001").text
    assert "Nothing was deleted." in page
    assert desk.send(f"{path}confirm/", word="3000").status_code == 200
    work(service, desk.get(path))
    assert (db.get(box["id"]) or {})["pvt_deleted"] is True
    assert "Deleted for good on" in desk.get(path).text
    desk.send(f"{path}undo/")
    work(service, desk.get(path))
    assert (db.get(box["id"]) or {}).get("pvt_deleted") is not True
    assert stored(account, message_id).get("pvt_deleted") is not True
    with service.models():
        entries = AuditEntry.objects.filter(document_id=box["id"], account_id=account.id)
        assert set(entries.values_list("action", "name")) >= {
            ("planned to delete for good", ""),
            ("asked to undo", ""),
            ("restored instead of deleting for good", ""),
        }
    assert "mailbox" in desk.get(PATH).text


def test_a_caller_is_confirmed_by_the_number_and_those_that_end_alike_are_named(
    operator: Operator, account: Account, box: dict[str, Any], service: Service
) -> None:
    desk = operator("Administrators")
    now = gregorian.now()
    ids = leave(account, box, [now] * 2, caller_id_number="+4930901820")
    leave(account, box, [now], caller_id_number="030901820")
    page = desk.fill_in(f"{PATH}caller/", numbers="12", account=account.id)
    assert "at least three digits" in page.text
    page = desk.fill_in(f"{PATH}caller/", numbers="0049 30 901820", account=account.id)
    path = work(service, page)
    page_text = desk.get(path).text
    assert "<bdi>030901820</bdi> (1)" in page_text
    assert '<td class="number">2</td>' in page_text
    desk.send(f"{path}confirm/", word="+49 30 90 18 20")
    work(service, desk.get(path))
    assert all(stored(account, message_id)["pvt_deleted"] is True for message_id in ids)
    assert "901820" not in desk.get(path).text


def test_only_who_has_the_permission_deletes_for_good_or_exports(
    operator: Operator, account: Account, box: dict[str, Any]
) -> None:
    desk = operator("Support")
    assert f"{PATH}new/" not in desk.get(f"desk/mailbox/{account.id}/{box['id']}/").text
    for page in ("", "caller/", "export/", f"new/?kind=mailbox&account={account.id}&id={box['id']}"):
        assert desk.get(f"{PATH}{page}").status_code == 403


def test_an_operator_of_some_accounts_deletes_and_exports_nothing_of_others(
    fresh_operator: Operator,
    account: Account,
    box: dict[str, Any],
    new_account: Callable[..., Account],
    service: Service,
    db: Database,
) -> None:
    chief, desk, own = fresh_operator("Administrators"), fresh_operator("Administrators"), new_account()
    limit(service, desk, own)
    (message_id,) = leave(account, box, [gregorian.now()], caller_id_number="+4930901820")
    path = plan(chief, service, "mailbox", account, box["id"])
    for page in (path, f"{path}progress/", f"{PATH}new/?kind=mailbox&account={account.id}&id={box['id']}"):
        assert "This doesn&#x27;t exist." in desk.get(page).text, page
    desk.send(f"{path}confirm/", word="3000")
    desk.send(f"{PATH}new/", kind="mailbox", account=account.id, id=box["id"])
    assert path not in desk.get(PATH).text
    assert "There is no such account." in desk.fill_in(f"{PATH}caller/", numbers="123", account=account.id).text
    found = desk.fill_in(f"{PATH}caller/", numbers="+4930901820")
    assert "There are none." in desk.get(work(service, found)).text
    assert message_id not in str(unzip(desk.fill_in(f"{PATH}export/", numbers="+4930901820")))
    assert (db.get(box["id"]) or {}).get("pvt_deleted") is not True
    with service.models():
        assert Erasure.objects.filter(account_id=account.id).count() == 1


def test_an_export_of_a_user_and_of_a_caller_has_all_that_is_held_and_nothing_of_others(
    operator: Operator, account: Account, api: Api, service: Service
) -> None:
    desk = operator("Administrators")
    own = api.new_box(
        "3000", name="Reception", pin=PIN, owner_id=account.user_id, notify_email_addresses=["o@example.com"]
    )
    other = api.new_box("3001", name="Somebody else's", pin=PIN)
    message_id = leave_spoken(
        account, own, gregorian.now(), AUDIO, caller_id_number="+4930901820", caller_id_name="Ada"
    )
    leave(account, other, [gregorian.now()], caller_id_name="Grace")
    names = {"kind": "user", "account": account.id, "id": account.user_id}
    path = f"{PATH}export/?kind=user&account={account.id}&id={account.user_id}"
    files = unzip(desk.post(path))
    assert {"index.html", "messages.csv", "mails.json", "actions.json"} <= files.keys(), names
    assert [content for name, content in files.items() if name.startswith("audio/")] == [AUDIO]
    text = b"".join(content for name, content in files.items() if not name.startswith("audio/")).decode()
    assert account.username in text
    assert message_id in text
    assert "Ada" in files["messages.csv"].decode("utf-8-sig")
    for secret in (PIN, "pvt_md5_auth", "Grace", "Somebody else"):
        assert secret not in text

    page = desk.fill_in(f"{PATH}export/", numbers="0049 30 901820", account=account.id)
    files = unzip(page)
    text = b"".join(content for name, content in files.items() if not name.startswith("audio/")).decode()
    assert AUDIO in files.values()
    assert json.loads(files[f"documents/message-{message_id}.json"])["caller_id_name"] == "Ada"
    for secret in ("Reception", "o@example.com", account.username, "Grace", PIN):
        assert secret not in text
    with service.models():
        exports = AuditEntry.objects.filter(action="exported the personal data of", account_id=account.id)
        assert set(exports.values_list("kind", flat=True)) == {"user", "caller"}
        assert "901820" not in str(list(exports.values()))


def unzip(response: requests.Response) -> dict[str, bytes]:
    """The files of a ZIP, by name."""
    assert response.headers["Content-Type"] == "application/zip", response.text
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}
