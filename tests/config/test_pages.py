"""What people see where clients get an error envelope: the front page, and pages for what went wrong."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
import requests
from django.test import RequestFactory

from config import pages
from tests.support.operators import PASSWORD, Desk
from tests.support.servers import Running, direct

Operator = Callable[..., Desk]
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def browse(url: str, **options: object) -> requests.Response:
    return direct().get(url, headers=BROWSER, timeout=60, allow_redirects=False, **options)  # type: ignore[arg-type]


def log_in(server: Running, desk: Desk, path: str) -> requests.Response:
    """Submit the log-in form at a path; the response, not followed."""
    session = direct()
    page = session.get(server.url + path, headers=BROWSER, timeout=60)
    token = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    fields = {"username": desk.name, "password": PASSWORD, "csrfmiddlewaretoken": token}
    if 'name="next" value="' in page.text:
        fields["next"] = page.text.split('name="next" value="')[1].split('"')[0].replace("&amp;", "&")
    headers = {"Referer": page.url}
    return session.post(page.url, data=fields, headers=headers, timeout=60, allow_redirects=False)


def test_the_front_page_leads_people_to_desk_api_and_health(server: Running) -> None:
    page = browse(f"{server.url}/")
    assert page.status_code == 200
    for path in ("/admin/", "/v2/docs", "/health/ready"):
        assert f'href="{path}"' in page.text
        assert browse(server.url + path).status_code in (200, 302)
    assert page.headers["Content-Security-Policy"]
    assert "Accept" in page.headers["Vary"]


@pytest.mark.parametrize("path", ["/", "/nothing"])
@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html;q=0", ""])
def test_clients_get_the_envelope_of_an_unknown_path(server: Running, path: str, accept: str) -> None:
    for verb in ("GET", "PUT", "POST", "DELETE"):
        answer = direct().request(verb, server.url + path, headers={"Accept": accept}, timeout=60)
        assert (answer.status_code, answer.json()["message"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/v2", "/v2/nothing", "/v2/accounts/x"])
def test_the_api_answers_browsers_with_envelopes_too(server: Running, path: str) -> None:
    assert browse(server.url + path).json()["status"] == "error"


def test_an_unknown_page_is_a_page(server: Running, operator: Operator) -> None:
    unknown = browse(f"{server.url}/nothing")
    assert (unknown.status_code, "<h1>There is no such page</h1>" in unknown.text) == (404, True)
    desk = operator("Read only")
    for path in ("nothing/", "desk/account/a/b/c/d/", "migration/migrationrun/run/999999999/"):
        answer = desk.get(path)
        assert (answer.status_code, "<h1>There is no such page</h1>" in answer.text) == (404, True), path
        assert 'href="/admin/"' in answer.text


def test_a_page_without_its_last_slash_is_found(server: Running, operator: Operator) -> None:
    answer = browse(f"{server.url}/admin?next=/admin/desk/account/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/?next=/admin/desk/account/")
    desk = operator("Read only")
    page = desk.get("desk/account", q="Acme")
    assert (page.status_code, page.url) == (200, f"{server.url}/admin/desk/account/?q=Acme")


def test_signing_in_leads_to_the_page_that_was_asked_for(server: Running, operator: Operator) -> None:
    desk = operator("Read only")
    path = "/admin/desk/account/?q=a+b"
    assert log_in(server, desk, path).headers["Location"] == path
    # Whoever is signed in already, in another tab, goes there at once.
    page = desk.session.get(f"{server.url}/admin/login/?next=/admin/desk/account/", timeout=60)
    assert page.url == f"{server.url}/admin/desk/account/"


@pytest.mark.parametrize("url", ["https://example.com/admin/", "//example.com", "javascript:alert(1)", "", "\\\\a.b"])
def test_signing_in_leads_nobody_elsewhere(server: Running, operator: Operator, url: str) -> None:
    desk = operator("Read only")
    path = f"/admin/login/?next={quote(url, safe='')}"
    assert log_in(server, desk, path).headers["Location"] == "/admin/"
    answer = desk.session.get(server.url + path, timeout=60, allow_redirects=False)
    assert answer.headers["Location"] == "/admin/"


def test_the_icon_is_found_where_browsers_look(server: Running) -> None:
    answer = direct().get(f"{server.url}/favicon.ico", timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")


def test_a_missing_permission_and_a_forged_form_are_explained(server: Running, operator: Operator) -> None:
    desk = operator("Read only")
    answer = desk.get("desk/account/add/")
    assert (answer.status_code, "<h1>You may not do this</h1>" in answer.text) == (403, True)
    answer = desk.session.post(f"{server.url}/admin/desk/account/", data={"a": "b"}, timeout=60)
    assert (answer.status_code, "<h1>The form was not accepted</h1>" in answer.text) == (403, True)


def test_another_host_name_gets_a_page_or_an_envelope(server: Running) -> None:
    for path in ("/", "/admin/login/"):
        answer = direct().get(server.url + path, headers={**BROWSER, "Host": "elsewhere.example.com"}, timeout=60)
        assert (answer.status_code, "<h1>The request was not understood</h1>" in answer.text) == (400, True)


def test_a_fault_of_the_service_is_a_page_for_people_and_an_envelope_for_clients() -> None:
    page = pages.server_error(RequestFactory().get("/admin/desk/account/"))
    assert (page.status_code, b"<h1>Something went wrong</h1>" in page.getvalue()) == (500, True)
    for path, headers in (("/nothing", {}), ("/v2/nothing", BROWSER)):
        answer = pages.server_error(RequestFactory().get(path, headers=headers))
        assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/json")
