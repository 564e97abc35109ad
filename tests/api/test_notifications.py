"""/v2/accounts/{ACCOUNT_ID}/notifications and /v2/notifications: templates of mails, previews, and the log."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from couch.client import couch
from couch.database import Database
from notifications.models import Mail
from storage import database_names
from tests.support.api_client import Account, Api
from tests.support.mail_server import MailServer
from tests.support.servers import Running, Service

HTML = "<p>From {{ caller_id.name }}</p>"
DOC_ID = "notification.voicemail_to_email"
TEXT_HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.fixture
def client(api: Api, server_with: Callable[..., Running], mail_server: MailServer) -> Api:
    """The administrator's client of a service that has a mail server."""
    return Api(server_with(EMAIL_URL=mail_server.url).url, api.account_id, api.token)


def data_of(response: Any, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    return response.json()["data"]


class TestTemplates:
    """Templates of an account."""

    def test_defaults_are_listed(self, api: Api) -> None:
        entries = {entry["id"]: entry for entry in data_of(api.get("notifications"))}
        assert set(entries) == {"voicemail_to_email", "voicemail_full", "voicemail_deleted"}
        assert [entries[name]["enabled"] for name in ("voicemail_to_email", "voicemail_deleted")] == [True, False]
        assert not entries["voicemail_full"]["account_overridden"]
        assert "caller_id.name_number" in entries["voicemail_to_email"]["macros"]

    def test_one_is_created_changed_and_deleted(self, api: Api, db: Database) -> None:
        created = api.put("notifications", {"id": "voicemail_to_email", "subject": "Hello {{ caller_id.name }}"})
        assert data_of(created, 201)["account_overridden"]
        assert created.headers["Location"].endswith("/notifications/voicemail_to_email")
        assert api.put("notifications", {"id": "voicemail_to_email"}).status_code == 409
        stored = db.get(DOC_ID)
        assert stored is not None
        assert (stored["pvt_type"], stored["subject"]) == ("notification", "Hello {{ caller_id.name }}")
        changed = data_of(api.post("notifications/voicemail_to_email", {"subject": "Bye", "enabled": False}))
        assert (changed["subject"], changed["enabled"]) == ("Bye", False)
        assert api.delete("notifications/voicemail_to_email").status_code == 200
        assert api.delete("notifications/voicemail_to_email").status_code == 404
        assert db.get(DOC_ID) is None

    def test_texts_come_and_go_by_their_content_type(self, api: Api, db: Database) -> None:
        path = "notifications/voicemail_to_email"
        assert data_of(api.post(path, HTML.encode(), headers=TEXT_HTML))["templates"]["text/html"]["length"] == 32
        answer = api.get(path, headers={"Accept": "text/html"})
        assert (answer.text, answer.headers["Content-Type"]) == (HTML, "text/html; charset=utf-8")
        assert answer.headers["Content-Security-Policy"] == "sandbox"
        assert api.post(path, b"From {{ caller_id.name }}", headers={"Content-Type": "text/plain"}).status_code == 200
        assert api.get(path, headers={"Accept": "text/plain"}).text == "From {{ caller_id.name }}"
        assert data_of(api.get(path))["id"] == "voicemail_to_email"
        assert api.get(path, headers={"Accept": "image/png"}).status_code == 406
        stored = db.get(DOC_ID)
        assert stored is not None
        assert set(stored["_attachments"]) == {"template.text/html", "template.text/plain"}
        assert data_of(api.post(path, {"subject": "Other"}))["subject"] == "Other"
        assert api.get(path, headers={"Accept": "text/html"}).text == HTML

    @pytest.mark.parametrize("source", ["{% include 'x' %}", "{{ caller_id.__class__ }}", "{% for a in b %}"])
    def test_what_cannot_be_rendered_is_refused(self, api: Api, source: str) -> None:
        path = "notifications/voicemail_to_email"
        assert "invalid" in data_of(api.post(path, source.encode(), headers=TEXT_HTML), 400)["template"]
        assert "invalid" in data_of(api.post(path, {"subject": source}), 400)["subject"]

    def test_an_empty_text_is_refused(self, api: Api) -> None:
        answer = api.post("notifications/voicemail_to_email", b"", headers=TEXT_HTML)
        assert (answer.status_code, "empty" in answer.json()["data"]["message"]) == (400, True)

    @pytest.mark.parametrize(
        ("members", "field"),
        [
            ({"subject": "x" * 201}, "subject"),
            ({"to": {"type": "everybody"}}, "to.type"),
            ({"bcc": {"type": "specified", "email_addresses": ["nonsense"]}}, "bcc.email_addresses.0"),
            ({"enabled": "maybe"}, "enabled"),
        ],
    )
    def test_members_are_checked(self, api: Api, members: dict[str, Any], field: str) -> None:
        assert field in data_of(api.post("notifications/voicemail_full", members), 400)

    def test_only_those_who_know_the_revision_change_it_conditionally(self, api: Api) -> None:
        path = "notifications/voicemail_full"
        etag = api.post(path, {"subject": "One"}).headers["ETag"]
        assert api.post(path, {"subject": "Two"}, headers={"If-Match": etag}).status_code == 200
        assert api.post(path, {"subject": "Three"}, headers={"If-Match": etag}).status_code == 412

    def test_an_account_below_uses_those_above_it(
        self, account: Account, api: Api, new_account: Callable[..., Account], log_in: Callable[..., Api]
    ) -> None:
        child = log_in(new_account(parent=account.id))
        assert api.post("notifications/voicemail_full", {"subject": "From above"}).status_code == 200
        shown = data_of(child.get("notifications/voicemail_full"))
        assert (shown["subject"], shown["account_overridden"]) == ("From above", False)

    def test_unknown_ones_are_not_found(self, api: Api) -> None:
        assert api.get("notifications/fax").status_code == 404
        assert data_of(api.put("notifications", {"id": "fax"}), 400)["id"]["enum"]

    def test_only_administrators_see_them(self, plain: Api) -> None:
        assert plain.get("notifications").status_code == 403
        assert plain.get("notifications/smtplog").status_code == 403


class TestSystem:
    """The system's templates."""

    @pytest.fixture
    def superduper(self, new_account: Callable[..., Account], log_in: Callable[..., Api]) -> Iterator[Api]:
        yield log_in(new_account(superduper_admin=True))
        config = couch().database(database_names.CONFIG)
        doc = config.get("notification.voicemail_deleted")
        if doc is not None:
            config.delete(doc["_id"], doc["_rev"])

    def test_they_are_for_superduper_administrators(self, api: Api, superduper: Api) -> None:
        path = "/v2/notifications/voicemail_deleted"
        for method, target in (("GET", "/v2/notifications"), ("GET", path), ("GET", "/v2/notifications/smtplog")):
            assert api.request(method, target).status_code == 403
        assert api.post(path, {"subject": "Mine"}).status_code == 403
        assert data_of(superduper.post(path, {"subject": "The system's"}))["subject"] == "The system's"
        assert data_of(api.get("notifications/voicemail_deleted"))["subject"] == "The system's"
        assert "account_overridden" not in data_of(superduper.get(path))
        assert superduper.delete(path).status_code == 200
        assert superduper.get("/v2/notifications/smtplog").status_code == 200


class TestPreview:
    """Mails about messages that don't exist."""

    def test_it_waits_to_be_sent_and_is_in_the_log(self, client: Api, service: Service) -> None:
        to = {"email_addresses": ["ada@example.com"]}
        mail = data_of(client.post("notifications/voicemail_to_email/preview", {"to": to, "subject": "Try"}))
        assert (mail["state"], mail["template_id"]) == ("waiting", "voicemail_to_email")
        with service.models():
            stored = Mail.objects.get(event_id=mail["id"])
        assert stored.details["preview"]["members"] == {"subject": "Try"}
        assert [entry["id"] for entry in data_of(client.get("notifications/smtplog"))] == [mail["id"]]
        assert data_of(client.get(f"notifications/smtplog/{mail['id']}"))["tries"] == 0

    @pytest.mark.parametrize(
        "addresses", [[], ["nonsense"], ["a@example.com\r\nBcc: b@example.com"], ["a@example.com"] * 11]
    )
    def test_it_goes_to_few_valid_addresses(self, client: Api, addresses: list[str]) -> None:
        answer = client.post("notifications/voicemail_to_email/preview", {"to": {"email_addresses": addresses}})
        assert answer.status_code == 400

    def test_there_is_none_without_a_mail_server(self, api: Api) -> None:
        to = {"email_addresses": ["ada@example.com"]}
        assert api.post("notifications/voicemail_to_email/preview", {"to": to}).status_code == 404


class TestLog:
    """What was sent."""

    def test_pages_follow_each_other_and_others_see_nothing(
        self, client: Api, new_account: Callable[..., Account], log_in: Callable[..., Api]
    ) -> None:
        to = {"email_addresses": ["ada@example.com"]}
        path = "notifications/voicemail_full/preview"
        ids = [data_of(client.post(path, {"to": to}))["id"] for _ in range(3)]
        first = client.get("notifications/smtplog?page_size=2").json()
        second = client.get(f"notifications/smtplog?page_size=2&start_key={first['next_start_key']}").json()
        assert [entry["id"] for entry in first["data"] + second["data"]] == ids[::-1]
        assert "next_start_key" not in second
        stranger = log_in(new_account())
        assert data_of(stranger.get("notifications/smtplog")) == []
        assert stranger.get(f"notifications/smtplog/{ids[0]}").status_code == 404
        assert client.get("notifications/smtplog?start_key=nonsense").status_code == 400
