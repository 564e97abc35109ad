"""What holds for every path: envelopes, ids, verbs, CORS, and clear errors for bad bodies."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.api_client import Account, Api


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """An account for all tests here: each has mailboxes of its own."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box()


@pytest.fixture(scope="module")
def account_below(account: Account, new_account: Callable[..., Account]) -> str:
    """The id of an account below the one of the tests."""
    return new_account(parent=account.id).id


@pytest.fixture
def greeting_id(api: Api) -> str:
    """The id of a media."""
    created: str = api.put("media", {"name": "Away"}).json()["data"]["id"]
    return created


def test_a_response_has_its_request_id_and_revision_in_the_envelope(api: Api, box: dict[str, Any]) -> None:
    answer = api.get(f"vmboxes/{box['id']}")
    envelope = answer.json()
    assert envelope["status"] == "success"
    assert envelope["auth_token"] == api.token
    assert envelope["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["ETag"].strip('"') == envelope["revision"]
    assert {"timestamp", "version", "node", "metadata"} <= set(envelope)


def test_a_valid_request_id_is_kept_and_an_invalid_one_replaced(api: Api) -> None:
    assert api.get("vmboxes", headers={"X-Request-ID": "mine-1"}).json()["request_id"] == "mine-1"
    assert api.get("vmboxes", headers={"X-Request-ID": "<b>" * 40}).json()["request_id"] != "<b>" * 40


@pytest.mark.parametrize("path", ["/v2/nothing", "nothing/here", "vmboxes/a/b/c/d/e"])
def test_an_unknown_path_is_not_found(api: Api, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"] == "404"
    assert answer.json()["message"] == "not_found"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_an_unsupported_verb_is_refused(api: Api, box: dict[str, Any]) -> None:
    answer = api.patch("vmboxes", {"a": 1})
    assert answer.status_code == 405
    assert answer.json()["message"] == "invalid_method"
    assert api.post("vmboxes?verb=PATCH", {}).status_code == 405


def test_a_trailing_slash_makes_no_difference(api: Api, box: dict[str, Any]) -> None:
    assert api.get(f"vmboxes/{box['id']}/").json()["data"] == api.get(f"vmboxes/{box['id']}").json()["data"]


def test_head_and_options_are_answered(api: Api, box: dict[str, Any]) -> None:
    head = api.head(f"vmboxes/{box['id']}")
    assert (head.status_code, head.content) == (200, b"")
    options = api.without_token().options(f"vmboxes/{box['id']}")
    assert options.status_code == 200
    assert "X-Auth-Token" in options.headers["Access-Control-Allow-Headers"]
    assert "PATCH" in options.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("where", ["query", "envelope"])
def test_post_tunnels_another_verb(api: Api, box: dict[str, Any], where: str) -> None:
    path = f"vmboxes/{box['id']}"
    if where == "query":
        answer = api.post(f"{path}?verb=PATCH", {"name": "Renamed"})
    else:
        answer = api.post(path, json={"data": {"name": "Renamed"}, "verb": "patch"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["name"] == "Renamed"
    assert answer.json()["data"]["mailbox"] == box["mailbox"]


def test_an_unchanged_resource_is_not_sent_again(api: Api, box: dict[str, Any]) -> None:
    for path in (f"vmboxes/{box['id']}", "vmboxes"):
        first = api.get(path)
        second = api.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (second.status_code, second.content) == (304, b"")


def test_the_parameter_pretty_indents_the_json(api: Api) -> None:
    assert "\n  " in api.get("vmboxes?pretty=true").text


def test_an_unsupported_accept_is_refused(api: Api) -> None:
    assert api.get("vmboxes", headers={"Accept": "image/png"}).status_code == 406
    assert api.get("vmboxes?accept=text/csv").headers["Content-Type"].startswith("text/csv")


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        (b"{nope", "json", "invalid"),
        (b"[1, 2]", "json", "invalid"),
        (b'"text"', "json", "invalid"),
        (b'\xff\xfe{"data": {}}', "json", "invalid"),
        (b'{"data": ' + b"[" * 3_000 + b"]" * 3_000 + b"}", "json", "invalid"),
        (b'{"data": {"a": NaN}}', "json", "invalid"),
        (b'{"other": 1}', "data", "required"),
        (b'{"data": [1]}', "data", "type"),
        (b'{"data": "x"}', "data", "type"),
        (b"", "name", "required"),
        (b" \r\n", "mailbox", "required"),
    ],
)
def test_an_invalid_body_is_refused_and_changes_nothing(
    api: Api, box: dict[str, Any], body: bytes, field: str, rule: str
) -> None:
    answer = api.post(f"vmboxes/{box['id']}", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["message"] == "validation error"
    assert list(answer.json()["data"][field]) == [rule]
    assert api.get(f"vmboxes/{box['id']}").json()["data"]["name"] == box["name"]


@pytest.mark.parametrize(
    ("verb", "path", "missing"),
    [
        ("PUT", "vmboxes", {"name", "mailbox"}),
        ("PUT", "users", {"first_name", "last_name"}),
        ("POST", "", {"name"}),
        ("PUT", "/v2/user_auth", {"credentials"}),
        ("PUT", "/v2/api_auth", {"api_key"}),
        ("POST", "vmboxes/{box}/messages", {"messages"}),
        ("POST", "vmboxes/{box}/messages/raw", {"messages"}),
    ],
)
def test_an_empty_body_is_told_the_fields_that_it_lacks(
    api: Api, box: dict[str, Any], verb: str, path: str, missing: set[str]
) -> None:
    answer = api.request(verb, path.format(box=box["id"]))
    assert answer.status_code == 400
    assert {(name, *rules) for name, rules in answer.json()["data"].items()} == {
        (name, "required") for name in missing
    }


@pytest.mark.parametrize(
    ("name", "content_type"), [("csv", "text/csv"), ("json", "application/json"), ("csv;q=0.5, zip", "text/csv")]
)
def test_a_form_of_the_answer_is_requested_by_its_short_name(api: Api, name: str, content_type: str) -> None:
    answer = api.get("vmboxes", params={"accept": name}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, content_type)
    assert api.get("vmboxes", params={"accept": "zip"}).status_code == 406


@pytest.mark.parametrize(
    ("path", "member"),
    [("users", "username"), ("children", "realm"), ("descendants", "realm"), ("media", "name")],
)
def test_listings_that_have_pages_also_come_as_csv(
    api: Api, account_below: str, greeting_id: str, path: str, member: str
) -> None:
    answer = api.get(path, params={"accept": "csv"})
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "text/csv"), answer.text
    assert answer.headers["Content-Disposition"] == f"attachment; filename={path}.csv"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    listed = api.get(path).json()["data"]
    assert [(row["id"], row[member]) for row in rows] == [(entry["id"], entry[member]) for entry in listed]
    assert rows


def test_a_list_without_pages_comes_as_json_only(api: Api) -> None:
    assert api.get("media/languages", params={"accept": "csv"}).status_code == 406


def test_json_over_the_limit_is_refused(api: Api) -> None:
    answer = api.put("vmboxes", {"name": "x", "mailbox": "1", "long": "x" * 3_000_000})
    assert answer.status_code == 413
    assert answer.json()["message"] == "request_too_large"
    assert answer.json()["data"]["limit"] > 0


def test_json_sent_as_a_form_is_accepted(api: Api) -> None:
    body = b'{"data": {"name": "A", "mailbox": "77"}}'
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # what curl -d says
    assert api.put("vmboxes", data=body, headers=form).status_code == 201
