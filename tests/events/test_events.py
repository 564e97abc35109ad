"""What is stored makes events: which, in which order, and how often."""

from typing import Any

import pytest

from events.event import VOICEMAIL_DELETED, VOICEMAIL_NEW, VOICEMAIL_SAVED
from tests.support.api_client import Account, Api
from tests.support.following import Following, names_of


@pytest.fixture
def box_id(api: Api) -> str:
    """A mailbox."""
    return str(api.put("vmboxes", {"name": "Sales", "mailbox": "3000"}).json()["data"]["id"])


def leave(api: Api, box_id: str, **fields: Any) -> str:
    """Leave a message; its id."""
    created = api.put(f"vmboxes/{box_id}/messages", fields)
    assert created.status_code == 201, created.text
    return str(created.json()["data"]["media_id"])


def test_a_message_is_told_when_it_is_left_heard_and_removed(
    following: Following, api: Api, account: Account, box_id: str
) -> None:
    message_id = leave(api, box_id)
    following.wait_for(lambda events: VOICEMAIL_NEW in names_of(events, message_id), account.id)
    api.post(f"vmboxes/{box_id}/messages/{message_id}", {"folder": "saved"})
    following.wait_for(lambda events: VOICEMAIL_SAVED in names_of(events, message_id), account.id)
    api.delete(f"vmboxes/{box_id}/messages/{message_id}")
    events = following.wait_for(lambda events: VOICEMAIL_DELETED in names_of(events, message_id), account.id)
    following.wait_for(lambda events: "doc_deleted" in names_of(events, message_id), account.id)
    events = following.events(account.id)
    assert names_of(events, message_id) == [
        "voicemail_new",
        "doc_created",
        "voicemail_saved",
        "doc_edited",
        "voicemail_deleted",
        "doc_deleted",
    ]
    deleted = next(event for event in events if event["name"] == VOICEMAIL_DELETED)
    assert deleted["document"]["source_id"] == box_id


def test_a_mailbox_is_told_when_it_is_created_changed_and_deleted(
    following: Following, api: Api, account: Account, box_id: str
) -> None:
    following.wait_for(lambda events: "doc_created" in names_of(events, box_id), account.id)
    api.patch(f"vmboxes/{box_id}", {"name": "Support"})
    following.wait_for(lambda events: "doc_edited" in names_of(events, box_id), account.id)
    api.delete(f"vmboxes/{box_id}")
    events = following.wait_for(lambda events: "doc_deleted" in names_of(events, box_id), account.id)
    assert names_of(events, box_id) == ["doc_created", "doc_edited", "doc_deleted"]


def test_changes_of_another_program_are_not_told(
    following: Following, api: Api, account: Account, box_id: str, db: Any
) -> None:
    db.put({**db.get(box_id), "pvt_node": "kazoo_apps@host", "name": "Of Kazoo's"})
    api.patch(f"vmboxes/{box_id}", {"name": "Ours"})
    events = following.wait_for(
        lambda events: any(event["document"].get("name") == "Ours" for event in events), account.id
    )
    assert "Of Kazoo's" not in [event["document"].get("name") for event in events]
