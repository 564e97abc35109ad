"""The language of the desk's pages, chosen by the browser or the operator. The API is in English."""

import re
from collections.abc import Callable

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils.translation import get_language

from operators.language import PageLanguage
from tests.support.operators import PASSWORD, Desk
from tests.support.servers import Running, direct

Operator = Callable[..., Desk]
GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"}


def sign_in_page(server: Running, language: str | None) -> tuple[str, str, str]:
    """The `lang` of the page to sign in, its Content-Language and its Vary, for an Accept-Language."""
    answer = direct().get(f"{server.url}/admin/login/", headers={"Accept-Language": language} if language else {})
    lang = answer.text.partition('<html lang="')[2].partition('"')[0]
    return lang, answer.headers["Content-Language"], answer.headers["Vary"]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("de", "de"), ("de-CH,fr;q=0.5", "de"), ("es-MX", "es"), ("fr, es;q=0.5", "es"), ("fr", "en"), (None, "en")],
)
def test_pages_are_in_the_browsers_language(server: Running, accepted: str | None, language: str) -> None:
    lang, content_language, vary = sign_in_page(server, accepted)
    assert (lang, content_language) == (language, language)
    assert "Accept-Language" in vary


def test_a_page_that_does_not_exist_says_so_in_the_browsers_language(server: Running) -> None:
    answer = direct().get(f"{server.url}/nowhere", headers={**GERMAN, "Accept": "text/html"})
    assert answer.status_code == 404
    assert "Diese Seite gibt es nicht" in answer.text


def test_an_operators_choice_counts_more_than_the_browsers_language_and_is_kept(
    fresh_operator: Operator, server: Running
) -> None:
    desk = fresh_operator("Support")
    desk.session.headers.update(GERMAN)
    assert '<html lang="de"' in desk.get("sessions/").text
    chosen = desk.send("language/?next=/admin/sessions/", language="es")
    assert chosen.url == f"{server.url}/admin/sessions/"
    assert '<html lang="es"' in chosen.text
    elsewhere = Desk(server.url, desk.name)
    signed_in = elsewhere.post("login/", username=desk.name, password=PASSWORD, next="/admin/sessions/")
    assert '<html lang="es"' in signed_in.text
    assert "Sus sesiones" in signed_in.text
    assert '<html lang="de"' in desk.send("language/?next=/admin/sessions/", language="").text


def test_somebody_who_is_not_signed_in_can_choose_for_this_browser(server: Running) -> None:
    desk = Desk(server.url, "nobody")
    assert '<html lang="en"' in desk.get("login/").text
    assert '<html lang="de"' in desk.send("language/?next=/admin/login/", language="de").text
    assert '<html lang="de"' in desk.get("login/").text


@pytest.mark.parametrize("place", ["https://elsewhere.example.com/", "//elsewhere.example.com", "/v2/accounts"])
def test_the_choice_leads_to_pages_of_the_desk_only(operator: Operator, server: Running, place: str) -> None:
    answer = operator("Support").send(f"language/?next={place}", language="en")
    assert answer.url == f"{server.url}/admin/"


def test_an_unknown_language_is_refused(operator: Operator) -> None:
    assert operator("Support").send("language/", language="tlh").status_code == 400


def test_scripts_get_their_texts_in_each_language(operator: Operator) -> None:
    desk = operator("Support")
    german = desk.get("texts/de.js")
    assert german.headers["Content-Type"].startswith("text/javascript")
    assert "Kopiert" in german.text
    assert "Copied" not in desk.get("texts/en.js").text
    assert desk.get("texts/tlh.js").status_code == 404


def test_the_api_is_in_english_whatever_a_client_accepts(server: Running) -> None:
    url, body = f"{server.url}/v2/user_auth", {"data": {"credentials": ""}}
    session = direct()
    plain = session.put(url, json=body, headers={"X-Request-ID": "the-same"})
    german = session.put(url, json=body, headers={"X-Request-ID": "the-same", **GERMAN})
    assert german.json()["data"] == plain.json()["data"]
    assert german.json()["message"] == plain.json()["message"]
    assert german.headers.keys() == plain.headers.keys()
    assert german.headers.get("Vary") == plain.headers.get("Vary")


def test_a_thread_is_in_english_again_after_a_page_in_another_language(rf: RequestFactory) -> None:
    languages: list[str | None] = []

    def answer(request: HttpRequest) -> HttpResponse:
        languages.append(get_language())
        return HttpResponse("{}", content_type="application/json")

    request = rf.get("/admin/", headers=GERMAN)
    request.session = {}  # type: ignore[assignment]  # all that is asked of it
    response = PageLanguage(answer)(request)
    assert languages == ["de"]
    assert get_language() == "en"
    assert "Content-Language" not in response


def test_permissions_of_a_group_are_in_the_operators_language(operator: Operator) -> None:
    desk = operator()
    desk.session.headers.update(GERMAN)
    names = re.findall(r"<option[^>]*>([^<]+ \| [^<]+)</option>", desk.get("auth/group/add/").text)
    assert any(name.endswith("| Webhook | Kann ändern") for name in names)
    assert any(name.endswith("| Mailbox | Kann die PIN einer Mailbox sehen und ändern") for name in names)
    assert [name for name in names if "Can " in name] == []
