"""From a new message to the mail: who gets it, what is in it, and what happens to the message afterwards."""

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from couch.client import couch
from couch.database import Database
from notifications.models import Mail, State
from storage import database_names
from tests.notifications.conftest import LeaveMessage
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.following import Following
from tests.support.mail_server import MailServer, ReceivedMail
from tests.support.servers import wait_until


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    return shared_account


@pytest.fixture
def address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


@pytest.fixture
def mailed(mailing: Following, mail_server: MailServer, address: str) -> Callable[[], ReceivedMail]:
    """The first mail to the address, as soon as there is one."""
    return lambda: mail_server.wait_for(address)[0]


def log_of(mailing: Following, message_id: str) -> Mail:
    """The log's entry of a message's mail, once it has ended."""
    ended = Mail.objects.filter(message_id=message_id, state__in=(State.SENT, State.FAILED, State.SKIPPED))
    with mailing.service.models():
        wait_until(ended.exists)
        return ended.get()


def stored_message(account: Account, message_id: str) -> dict[str, Any]:
    modb = couch().database(database_names.modb(account.id, message_id[:6]))
    doc = modb.get(message_id)
    assert doc is not None
    return doc


class TestContent:
    """What is in a mail."""

    def test_a_new_message_is_mailed_with_its_recording(
        self, api: Api, audio: Studio, address: str, leave_message: LeaveMessage, mailed: Callable[[], ReceivedMail]
    ) -> None:
        box = api.new_box(notify_email_addresses=[address])
        leave_message(box["id"], caller_id_name="Ada", caller_id_number="1001")
        mail = mailed()
        assert mail.message["subject"] == "New voicemail from Ada (1001)"
        assert (mail.sender, mail.message["from"]) == ("voicemail@example.com", "Voicemail <voicemail@example.com>")
        assert mail.message["to"] == address
        assert mail.message["message-id"].endswith("@example.com>")
        assert mail.message["auto-submitted"] == "auto-generated"
        (recording,) = mail.message.iter_attachments()
        assert recording.get_content_type() == "audio/mpeg"
        assert str(recording.get_filename()).startswith("1001_")
        assert recording.get_content() == audio("mp3").content
        for part in (mail.part("plain"), mail.part("html")):
            assert "Ada (1001)" in part
            assert str(box["mailbox"]) in part

    def test_what_callers_say_of_themselves_is_text(
        self, api: Api, address: str, leave_message: LeaveMessage, mailed: Callable[[], ReceivedMail]
    ) -> None:
        box = api.new_box(notify_email_addresses=[address])
        name = "<b>{{ account.id }}</b>\r\nBcc: victim@example.com\u202e"
        leave_message(box["id"], caller_id_name=name, caller_id_number="1001")
        mail = mailed()
        assert mail.recipients == (address,)
        assert mail.message["bcc"] is None
        assert "&lt;b&gt;{{ account.id }}" in mail.part("html")
        assert "{{ account.id }} Bcc: victim@example.com" in mail.message["subject"].replace("</b>", "")

    def test_without_the_recording_if_the_mailbox_says_so(
        self, api: Api, address: str, leave_message: LeaveMessage, mailed: Callable[[], ReceivedMail]
    ) -> None:
        box = api.new_box(notify_email_addresses=[address], include_message_on_notify=False)
        leave_message(box["id"])
        assert list(mailed().message.iter_attachments()) == []

    @pytest.mark.parametrize("is_included", [True, False])
    def test_the_transcription_is_in_it_unless_the_mailbox_says_otherwise(
        self,
        api: Api,
        account: Account,
        address: str,
        mailing: Following,
        leave_message: LeaveMessage,
        mailed: Callable[[], ReceivedMail],
        audio: Studio,
        modb: Callable[[str], Database],
        is_included: bool,
    ) -> None:
        box = api.new_box(notify_email_addresses=[address], include_transcription_on_notify=is_included)
        message_id = leave_message(box["id"], with_audio=False)  # waits for its audio
        database = modb(message_id[:6])
        words = {"result": "success", "text": "Call me *back*"}
        database.update(message_id, lambda doc: {**doc, "transcription": words})
        spoken = audio("mp3")
        headers = {"Content-Type": spoken.content_type}
        path = f"vmboxes/{box['id']}/messages/{message_id}/raw"
        assert api.put(path, spoken.content, headers=headers).status_code == 201
        mail = mailed()
        assert ("Call me *back*" in mail.part("plain"), "Call me *back*" in mail.part("html")) == (is_included,) * 2
        assert len(list(mail.message.iter_attachments())) == 1


class TestRecipients:
    """Who gets a mail."""

    def test_those_that_the_mailbox_lists_and_its_owner(
        self, api: Api, address: str, mailing: Following, leave_message: LeaveMessage
    ) -> None:
        owner = api.put("users", {"first_name": "A", "last_name": "B", "email": f"owner-{address}"}).json()["data"]
        box = api.new_box(notify_email_addresses=[address, "not an address", address], owner_id=owner["id"])
        mail = log_of(mailing, leave_message(box["id"], with_audio=True))
        assert set(mail.recipients) == {address, f"owner-{address}"}
        assert {recipient["state"] for recipient in mail.recipients.values()} == {State.SENT}

    def test_an_owner_who_wants_none_is_taken_out_of_the_list_too(
        self, api: Api, address: str, mailing: Following, leave_message: LeaveMessage
    ) -> None:
        user = {"first_name": "A", "last_name": "B", "email": f"owner-{address}", "vm_to_email_enabled": False}
        owner = api.put("users", user).json()["data"]
        box = api.new_box(notify_email_addresses=[address, f"Owner-{address}"], owner_id=owner["id"])
        assert set(log_of(mailing, leave_message(box["id"])).recipients) == {address}

    def test_nobody_gets_nothing(self, api: Api, mailing: Following, leave_message: LeaveMessage) -> None:
        mail = log_of(mailing, leave_message(api.new_box()["id"]))
        assert (mail.state, mail.error) == (State.SKIPPED, "Nobody gets it")


class TestAfterwards:
    """What becomes of the message."""

    @pytest.mark.parametrize(
        ("settings", "folder", "reason"),
        [
            ({}, "new", None),
            ({"save_after_notify": True, "delete_after_notify": True}, "saved", None),
            ({"delete_after_notify": True}, "deleted", "delete_after_notify"),
        ],
    )
    def test_a_mailed_message_is_put_where_the_mailbox_says(
        self,
        api: Api,
        account: Account,
        address: str,
        mailing: Following,
        leave_message: LeaveMessage,
        settings: dict[str, Any],
        folder: str,
        reason: str | None,
    ) -> None:
        box = api.new_box(notify_email_addresses=[address], **settings)
        message_id = leave_message(box["id"])
        assert log_of(mailing, message_id).state == State.SENT
        doc = stored_message(account, message_id)
        assert doc["metadata"]["folder"] == folder
        assert doc["pvt_folder_change"].get("reason") == reason


class TestTemplates:
    """Templates of accounts."""

    def test_a_mail_is_made_of_the_template_of_its_account(
        self, own_api: Api, address: str, mailing: Following, mail_server: MailServer
    ) -> None:
        path, html = "notifications/voicemail_full", b"<p>{{ account.realm }} {{ voicemail.vmbox_name }}</p>"
        members: dict[str, Any] = {"subject": "Full: {{ voicemail.vmbox_number }}", "from": "Ours <ours@example.net>"}
        members |= {"cc": {"type": "specified", "email_addresses": [f"cc-{address}"]}}
        assert own_api.post(path, members).status_code == 200
        assert own_api.post(path, html, headers={"Content-Type": "text/html"}).status_code == 200
        box = own_api.new_box(notify_email_addresses=[address], max_message_count=1, name="<The Box>")
        for _ in range(2):
            own_api.put(f"vmboxes/{box['id']}/messages", {})
        mail = mail_server.wait_for(address)[0]
        assert (mail.message["subject"], mail.sender) == (f"Full: {box['mailbox']}", "ours@example.net")
        assert (mail.message["cc"], set(mail.recipients)) == (f"cc-{address}", {address, f"cc-{address}"})
        assert "&lt;The Box&gt;</p>" in mail.part("html")

    def test_ours_is_used_for_a_broken_one_which_is_told(
        self, own_api: Api, address: str, mailing: Following, mail_server: MailServer
    ) -> None:
        database = couch().database(database_names.account_db(own_api.account_id))
        doc = {"_id": "notification.voicemail_full", "pvt_type": "notification", "subject": "{% include 'x' %}"}
        database.put(doc)  # as another program may
        box = own_api.new_box(notify_email_addresses=[address], max_message_count=1)
        for _ in range(2):
            own_api.put(f"vmboxes/{box['id']}/messages", {})
        assert mail_server.wait_for(address)[0].message["subject"] == f"Mailbox {box['mailbox']} is full"
        with mailing.service.models():
            sent = Mail.objects.filter(mailbox_id=box["id"], state=State.SENT)
            wait_until(sent.exists)
            assert "include" in sent.get().template_error


class TestFullMailbox:
    """Mailboxes that take no more messages."""

    def test_a_mailbox_that_fills_up_is_mailed_once(
        self, api: Api, address: str, mailing: Following, mail_server: MailServer
    ) -> None:
        box = api.new_box(notify_email_addresses=[address], max_message_count=1, name="The Box")
        path = f"vmboxes/{box['id']}/messages"
        assert [api.put(path, {}).status_code for _ in range(4)] == [201, 409, 409, 409]
        mail = mail_server.wait_for(address)[0]
        assert mail.message["subject"] == f"Mailbox {box['mailbox']} is full"
        assert f"{box['mailbox']} (The Box) is full" in mail.part("plain")
        with mailing.service.models():
            assert Mail.objects.filter(mailbox_id=box["id"], template="voicemail_full").count() == 1
