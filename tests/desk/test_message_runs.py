"""Actions on many messages at the desk: a worker does them, whatever happens to it, and they can be undone."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from desk.audit import log
from desk.messages.actions import RUN_ACTIONS
from desk.models import AuditEntry
from storage import gregorian
from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import DAY, leave, stored
from tests.support.message_lists import path_of_list, result_of, start_run, text_of, work
from tests.support.operators import Desk
from tests.support.servers import Service

Operator = Callable[..., Desk]
NOW = gregorian.now()
COUNT = 60
"""More than a page has."""


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000", name="Reception")


@pytest.fixture
def other(api: Api) -> dict[str, Any]:
    return api.new_box("3001", name="Billing")


@pytest.fixture
def ids(account: Account, box: dict[str, Any]) -> list[str]:
    times = [NOW - number for number in range(COUNT)]
    return [*leave(account, box, times[:30], folder="new"), *leave(account, box, times[30:], folder="saved")]


def audited(service: Service, account: Account, action: str) -> list[str]:
    """The ids of the messages of which the audit log tells an action."""
    with service.models():
        entries = AuditEntry.objects.filter(account_id=account.id, action=action, kind="message")
        return list(entries.values_list("document_id", flat=True))


def listed(api: Api, box: dict[str, Any]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = api.get(f"vmboxes/{box['id']}/messages?page_size=500").json()["data"]
    return messages


def test_all_messages_of_a_list_are_moved_but_one_that_fails_and_moved_back(
    operator: Operator,
    account: Account,
    api: Api,
    box: dict[str, Any],
    other: dict[str, Any],
    ids: list[str],
    service: Service,
) -> None:
    desk = operator("Support")
    page = desk.get(path_of_list(account, box)).text
    assert "all 60, on every page" in page
    rows = [f"{box['id']} {message_id}" for message_id in ids]
    path = start_run(desk, path_of_list(account, box), action="move", target="3001", selected=rows)
    assert "0 of 60 messages" in text_of(desk.get(path))
    assert api.delete(f"vmboxes/{box['id']}/messages/{ids[7]}").status_code == 200
    result = result_of(desk, service, path)
    assert "Moved 59 messages to 3001 Billing. 1 message failed." in result
    assert "it is no longer in its mailbox" in result
    assert len(listed(api, other)) == 59
    assert {message["folder"] for message in listed(api, other)} == {"new", "saved"}
    assert ids[7] in desk.get(f"{path}failures/").text
    assert len(audited(service, account, "moved")) == 59

    undoing = desk.send(f"{path}undo/").url.partition("/admin/")[2]
    assert "Moved 59 messages." in result_of(desk, service, undoing)
    assert len(listed(api, box)) == 59
    assert not listed(api, other)
    assert "It was undone" in desk.get(path).text
    assert desk.send(f"{path}undo/").url.endswith(path)


def test_all_that_match_a_filter_are_meant_and_no_message_that_comes_later(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], ids: list[str], service: Service
) -> None:
    desk = operator("Support")
    path = start_run(desk, path_of_list(account, box, "&folder=new"), action="deleted", all="yes")
    late = leave(account, box, [gregorian.now() + 60])
    assert "Put 30 messages into deleted." in result_of(desk, service, path)
    folders = [message["folder"] for message in listed(api, box) if message["media_id"] not in late]
    assert sorted(folders) == ["deleted"] * 30 + ["saved"] * 30
    undoing = desk.send(f"{path}undo/").url.partition("/admin/")[2]
    assert "Put 30 messages back into the folders they were in." in result_of(desk, service, undoing)
    assert {stored(account, message_id)["metadata"]["folder"] for message_id in ids[:30]} == {"new"}


def test_removing_all_asks_first_and_restores_them_with_undo(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], ids: list[str], service: Service
) -> None:
    desk = operator("Support")
    question = desk.post(path_of_list(account, box), action="remove", all="yes")
    assert "Remove all messages of this list?" in question.text
    assert len(listed(api, box)) == COUNT
    path = start_run(desk, path_of_list(account, box), action="remove", all="yes", confirmed="yes")
    assert "Removed 60 messages." in result_of(desk, service, path)
    assert listed(api, box) == []
    undoing = desk.send(f"{path}undo/").url.partition("/admin/")[2]
    assert "Restored 60 messages." in result_of(desk, service, undoing)
    assert {stored(account, message_id)["metadata"]["folder"] for message_id in ids[:30]} == {"new"}
    assert len(listed(api, box)) == COUNT


@pytest.mark.parametrize("action", ["move", "copy", "remove", "saved"])
def test_a_killed_worker_is_followed_by_one_that_does_nothing_twice(
    operator: Operator,
    account: Account,
    api: Api,
    box: dict[str, Any],
    other: dict[str, Any],
    ids: list[str],
    service: Service,
    action: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = operator("Support")
    path = start_run(
        desk, path_of_list(account, box, "&folder=new"), action=action, target="3001", all="yes", confirmed="yes"
    )

    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(log, "record_for", die)  # CouchDB has the changes, and no line says so
        with pytest.raises(KeyboardInterrupt):
            work(service, path)
    past, count = RUN_ACTIONS[action].past, 30
    assert not audited(service, account, past)
    assert f" {count} messages" in result_of(desk, service, path)
    assert "failed" not in text_of(desk.get(path))
    entries = audited(service, account, past)
    assert len(entries) == len(set(entries)) == count
    assert len(listed(api, other)) == (count if action in ("move", "copy") else 0)
    assert len(listed(api, box)) == (COUNT - count if action in ("move", "remove") else COUNT)
    work(service, path)
    assert len(audited(service, account, past)) == count


def test_a_copy_is_undone_and_leaves_its_source(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], other: dict[str, Any], service: Service
) -> None:
    leave(account, box, [NOW, NOW - 40 * DAY])
    desk = operator("Support")
    path = start_run(desk, path_of_list(account, box), action="copy", target="3001", all="yes")
    assert "Copied 2 messages to 3001 Billing." in result_of(desk, service, path)
    assert len(listed(api, other)) == 2
    undoing = desk.send(f"{path}undo/").url.partition("/admin/")[2]
    assert "Removed 2 messages." in result_of(desk, service, undoing)
    assert (len(listed(api, box)), len(listed(api, other))) == (2, 0)


@pytest.mark.parametrize("action", ["saved", "move"])
def test_messages_of_kazoo_3_are_among_all_of_a_list(
    operator: Operator,
    account: Account,
    api: Api,
    box: dict[str, Any],
    other: dict[str, Any],
    service: Service,
    action: str,
) -> None:
    times = [NOW - DAY, NOW - 2 * DAY]
    old_messages.add(account, box["id"], [old_messages.make_entry(timestamp=time, folder="new") for time in times])
    leave(account, box, [NOW])
    desk = operator("Support")
    path = start_run(desk, path_of_list(account, box), action=action, target="3001", all="yes")
    assert " 3 messages" in result_of(desk, service, path)
    changed = listed(api, other if action == "move" else box)
    assert [message["folder"] for message in changed] == ["new" if action == "move" else "saved"] * 3
    undoing = desk.send(f"{path}undo/").url.partition("/admin/")[2]
    result_of(desk, service, undoing)
    assert "failed" not in text_of(desk.get(undoing))
    assert [message["folder"] for message in listed(api, box)] == ["new"] * 3


def test_a_stopped_run_leaves_out_the_rest_and_says_so(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], ids: list[str], service: Service
) -> None:
    desk = operator("Support")
    rows = [f"{box['id']} {message_id}" for message_id in ids]
    path = start_run(desk, path_of_list(account, box), action="deleted", selected=rows)
    desk.send(f"{path}stop/")
    assert "60 messages were left out." in result_of(desk, service, path)
    assert {message["folder"] for message in listed(api, box)} == {"new", "saved"}


def test_runs_take_the_permission_of_their_action_and_belong_to_their_account(
    operator: Operator,
    account: Account,
    new_account: Callable[..., Account],
    box: dict[str, Any],
    ids: list[str],
    service: Service,
) -> None:
    reader, support = operator("Read only"), operator("Support")
    assert reader.post(path_of_list(account, box), action="saved", all="yes").status_code == 403
    path = start_run(support, path_of_list(account, box), action="saved", all="yes")
    assert reader.send(f"{path}stop/").status_code == 403
    result_of(support, service, path)
    assert reader.send(f"{path}undo/").status_code == 403
    assert "Undo" not in reader.get(path).text
    strange = path.replace(account.id, new_account().id)
    assert "This doesn't exist." in unescape(support.get(strange).text)
    assert path in support.get(f"desk/message/{account.id}/runs/").text


def test_a_target_among_the_messages_of_an_account_fails_only_for_those_in_it(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], other: dict[str, Any], service: Service
) -> None:
    leave(account, box, [NOW])
    leave(account, other, [NOW - 5])
    desk = operator("Support")
    path = start_run(desk, path_of_list(account), action="move", target="3001", all="yes")
    result = result_of(desk, service, path)
    assert "Moved 1 message to 3001 Billing. 1 message failed." in result
    assert "it is in this mailbox already" in result
    assert len(listed(api, other)) == 2
