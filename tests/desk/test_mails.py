"""The desk's pages of mails: the log, sending again, and the templates."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from notifications import by_hand
from notifications.models import Mail, State
from notifications.store import Place
from tests.support.api_client import Account
from tests.support.operators import Desk
from tests.support.servers import Service

Operator = Callable[..., Desk]
PREVIEW = {"to": {"email_addresses": ["ada@example.com"]}}


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    return shared_account


@pytest.fixture
def mail(account: Account, service: Service) -> Mail:
    """A mail that one of two recipients did not get, and whose template was broken."""
    with service.models():
        stored = by_hand.send_preview(Place(account.id), "voicemail_full", PREVIEW)
        stored.update_recipients({"ada@example.com": "250 OK"}, State.SENT)
        stored.update_recipients({"<b>bob</b>@example.com": "550 no such user"}, State.FAILED)
        members = {"subject": "A <b>full</b> mailbox", "state": State.SENT, "template_error": "In the subject"}
        Mail.objects.filter(event_id=stored.event_id).update(recipients_json=stored.recipients_json, **members)
        return Mail.objects.get(event_id=stored.event_id)


def test_the_log_shows_who_got_a_mail(operator: Operator, account: Account, mail: Mail) -> None:
    desk = operator("Administrators")
    page = desk.get(f"desk/mail/?account={account.id}").text
    assert "A &lt;b&gt;full&lt;/b&gt; mailbox" in page
    detail = desk.get(f"desk/mail/{account.id}/{mail.event_id}/").text
    for text in ("250 OK", "550 no such user", "&lt;b&gt;bob", "In the subject"):
        assert text in detail


def test_the_log_is_sorted_by_time_both_ways(
    operator: Operator, account: Account, mail: Mail, service: Service
) -> None:
    with service.models():
        newer = by_hand.send_preview(Place(account.id), "voicemail_full", PREVIEW).event_id
    desk = operator("Read only")

    def order(sort: str) -> list[str]:
        page = desk.get("desk/mail/", account=account.id, sort=sort).text
        links = re.findall(rf'<th scope="row"[^>]*><a href="/admin/desk/mail/{account.id}/([^/]+)/"', page)
        return [event_id for event_id in links if event_id in (mail.event_id, newer)]

    assert order("") == order("-time") == [newer, mail.event_id]
    assert order("time") == [mail.event_id, newer]


def test_a_mail_is_sent_again(operator: Operator, account: Account, mail: Mail, service: Service) -> None:
    desk = operator("Administrators")
    answer = desk.post(f"desk/mail/{account.id}/{mail.event_id}/send/")
    assert answer.status_code == 200
    with service.models():
        newest = Mail.objects.filter(account_id=account.id).latest("id")
    assert newest.event_id != mail.event_id
    assert (newest.template, newest.is_by_hand) == ("voicemail_full", True)


def test_a_template_is_changed_and_removed(operator: Operator, new_account: Callable[..., Account]) -> None:
    desk = operator("Administrators")
    account_id = new_account().id
    path = f"desk/mail/{account_id}/templates/voicemail_full/"
    assert "This service" in desk.get(f"desk/mail/{account_id}/templates/").text
    texts: dict[str, Any] = {
        "subject": "Full!",
        "sender": "",
        "html": "<p>{{ voicemail.vmbox_name }}</p>",
        "plain": "Full",
        "revision": "",
    }
    assert "was changed" in desk.post(path, **texts, enabled="on").text
    template = Place(account_id).get("voicemail_full")
    assert (template.members["subject"], template.is_enabled, template.texts["text/plain"]) == ("Full!", True, "Full")
    assert "meanwhile" in desk.post(path, **(texts | {"subject": "Late"})).text
    assert "was removed" in desk.post(f"{path}delete/").text
    assert Place(account_id).get("voicemail_full").is_own


def test_a_broken_template_is_refused_and_told(operator: Operator, new_account: Callable[..., Account]) -> None:
    desk = operator("Administrators")
    account_id = new_account().id
    path = f"desk/mail/{account_id}/templates/voicemail_full/"
    texts: dict[str, Any] = {"subject": "Full!", "html": "{% include 'x' %}", "plain": "Full"}
    assert "Invalid block tag" in desk.post(path, **texts).text
    place = Place(account_id)
    doc = {"_id": "notification.voicemail_full", "pvt_type": "notification", "subject": "{% broken %}"}
    place.database.put(doc)  # as another program may
    assert "In the subject or an address" in desk.get(f"desk/mail/{account_id}/templates/").text


def test_a_preview_runs_nothing(operator: Operator, account: Account) -> None:
    desk = operator("Administrators")
    texts: dict[str, Any] = {"subject": "x", "html": "<p>{{ caller_id.name }}</p><script>1</script>", "plain": "x"}
    answer = desk.send(f"desk/mail/{account.id}/templates/voicemail_full/preview/", **texts)
    assert answer.text == "<p>Ada Lovelace</p><script>1</script>"
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy
