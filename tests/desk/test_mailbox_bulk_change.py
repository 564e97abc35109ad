"""Settings of many mailboxes changed at once, from the list's selection or a search, after a preview."""

from collections.abc import Callable

import pytest

from couch.database import Database
from tests.support.api_client import Account, Api
from tests.support.mailbox_runs import lines_of, path_of, store
from tests.support.operators import PIN, Desk
from tests.support.servers import Service
from voicemail.mailboxes import store as mailbox_store

Operator = Callable[..., Desk]


@pytest.fixture
def ids(api: Api) -> list[str]:
    names = ("Reception", "Kitchen", "Kitchen upstairs")
    return [api.new_box(f"300{digit}", name=name, pin=PIN)["id"] for digit, name in enumerate(names)]


def test_a_selection_is_changed_after_a_preview_of_each_difference(
    operator: Operator, account: Account, api: Api, ids: list[str], service: Service, db: Database
) -> None:
    api.patch(f"vmboxes/{ids[1]}", {"transcribe": True, "timezone": "Europe/Berlin", "some_key": "kept"})
    desk = operator("Support")
    listed = f"desk/mailbox/?account={account.id}"
    page = desk.post(listed, action="settings", selected=ids[:2])
    assert "Change settings of 2 mailboxes" in page.text
    assert 'value="mailbox"' not in page.text
    assert 'value="pin"' not in page.text
    url = f"desk/mailbox/{account.id}/settings/"
    page = desk.fill_in(url, page, setting=["timezone", "transcribe", "notify__callback__attempts"])
    assert "Europe/Berlin" in page.text
    page = desk.fill_in(url, page, timezone="Europe/Berlin", transcribe="on", notify__callback__attempts="3")
    assert lines_of(page.text) == {
        "1": ("Change", "How often to call: 3; Time zone: Europe/Berlin; Transcribe messages: no → yes"),
        "2": ("Change", "How often to call: 3"),
    }
    assert (db.get(ids[0]) or {})["transcribe"] is False
    api.patch(f"vmboxes/{ids[0]}", {"timezone": "Asia/Tokyo"})
    result = lines_of(store(desk, service, page))
    assert result["1"][0] == "Failed"
    assert "Somebody else changed the mailbox after the preview." in result["1"][1]
    assert result["2"] == ("Changed", "How often to call: 3")
    stored = mailbox_store.get(account.id, ids[1])
    assert stored["notify"]["callback"] == {"attempts": 3}
    assert (stored["some_key"], stored["pin"], stored["name"]) == ("kept", PIN, "Kitchen")
    assert "notify.callback.attempts" in desk.get(f"desk/mailbox/{account.id}/{ids[1]}/history/").text
    assert b"3000 Reception" in desk.get(f"{path_of(page)}problems/").content


def test_all_that_a_search_finds_are_changed_on_every_page(
    operator: Operator, account: Account, api: Api, ids: list[str], service: Service
) -> None:
    desk = operator("Support")
    page = desk.post(f"desk/mailbox/?account={account.id}&q=kitchen", action="settings", all="yes")
    assert "Change settings of 2 mailboxes" in page.text
    url = f"desk/mailbox/{account.id}/settings/"
    page = desk.fill_in(url, page, setting=["notify_email_addresses"])
    assert "is not an e-mail address" in desk.fill_in(url, page, notify_email_addresses="a@example.com\nb").text
    page = desk.fill_in(url, page, notify_email_addresses="a@example.com")
    assert "2 changed" in store(desk, service, page)
    addresses = [mailbox_store.get(account.id, box_id)["notify_email_addresses"] for box_id in ids]
    assert addresses == [[], ["a@example.com"], ["a@example.com"]]
    everything = desk.post(f"desk/mailbox/?account={account.id}", action="settings", all="yes")
    assert "Change settings of 3 mailboxes" in everything.text


def test_what_is_left_empty_is_emptied(
    operator: Operator, account: Account, api: Api, ids: list[str], service: Service
) -> None:
    api.patch(f"vmboxes/{ids[0]}", {"operator_number": "0", "notify_email_addresses": ["a@example.com"]})
    desk = operator("Administrators")
    page = desk.post(f"desk/mailbox/?account={account.id}", action="settings", selected=ids[:1])
    url = f"desk/mailbox/{account.id}/settings/"
    page = desk.fill_in(url, page, setting=["operator_number", "notify_email_addresses", "owner_id"])
    page = desk.fill_in(url, page)
    difference = "E-mail addresses for new messages: a@example.com → empty; Number of the operator: 0 → —"
    assert lines_of(page.text) == {"1": ("Change", difference)}
    store(desk, service, page)
    assert "operator_number" not in mailbox_store.get(account.id, ids[0])


def test_nothing_is_changed_without_a_selection_a_setting_or_the_permission(
    operator: Operator, account: Account, ids: list[str]
) -> None:
    desk = operator("Support")
    listed = f"desk/mailbox/?account={account.id}"
    assert "Select the mailboxes to change first." in desk.post(listed, action="settings").text
    page = desk.post(listed, action="settings", selected=ids)
    page = desk.fill_in(f"desk/mailbox/{account.id}/settings/", page)
    assert "Choose at least one setting." in page.text
    assert "Change settings of 3 mailboxes" in page.text
    reader = operator("Read only")
    assert "Change settings" not in reader.get(listed).text
    assert reader.post(listed, action="settings", selected=ids).status_code == 403
