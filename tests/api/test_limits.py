"""What an account may have, and a request do, is limited."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from couch.client import couch
from couch.database import Database
from storage import database_names
from storage.gregorian import month_of, now
from tests.support.api_client import Account, Api
from tests.support.servers import Running
from voicemail.audio import content_types

DAY = 86_400


@pytest.fixture(scope="module")
def strict(server_with: Callable[..., Running]) -> Running:
    """A service that allows little."""
    return server_with(
        ACCOUNTS_BELOW_ACCOUNT="2",
        MAILBOXES_PER_ACCOUNT="3",
        ALIASES_PER_MAILBOX="3",
        NUMBERS_PER_ACCOUNT="6",
        DATABASES_PER_ACCOUNT="4",
        COPIES_PER_REQUEST="4",
        FILTERED_ROWS="100",
    )


@pytest.fixture
def client(strict: Running, api: Api) -> Api:
    """The administrator's client of that service."""
    return Api(strict.url, api.account_id, api.token)


def errors_of(response: Any) -> dict[str, Any]:
    assert response.status_code == 400, response.text
    data: dict[str, Any] = response.json()["data"]
    return data


def test_a_mailbox_has_few_aliases_and_an_account_few_mailboxes_and_numbers(client: Api) -> None:
    many = {"name": "Box", "mailbox": "5000", "aliases": ["1", "2", "3", "4"]}
    assert errors_of(client.put("vmboxes", many))["aliases"]["maxItems"]["target"] == 3
    boxes = [client.new_box("5000", aliases=["5001", "5002", "5003"]), client.new_box("5010"), client.new_box("5020")]
    assert errors_of(client.put("vmboxes", {"name": "Box", "mailbox": "5030"}))["mailbox"]["maxItems"]["target"] == 3
    path = f"vmboxes/{boxes[1]['id']}"
    assert errors_of(client.patch(path, {"aliases": ["5011"]}))["aliases"]["maxItems"]["target"] == 6
    assert client.patch(path, {"name": "Renamed"}).status_code == 200
    assert client.patch(f"vmboxes/{boxes[0]['id']}", {"aliases": ["5003", "5001"]}).status_code == 200
    assert client.patch(path, {"aliases": ["5011"]}).status_code == 200


def test_a_mailbox_keeps_the_aliases_that_it_has(api: Api, client: Api) -> None:
    aliases = [str(number) for number in range(6001, 6006)]
    box = api.new_box("6000", aliases=aliases)
    assert client.patch(f"vmboxes/{box['id']}", {"name": "Renamed"}).status_code == 200
    assert client.patch(f"vmboxes/{box['id']}", {"aliases": aliases[1:]}).status_code == 200


def test_an_account_has_few_accounts_below_it_at_any_depth(client: Api, created_accounts: list[str]) -> None:
    child = client.put("", {"name": "Child"})
    created_accounts.append(child.json()["data"]["id"])
    grandchild = client.put(f"/v2/accounts/{child.json()['data']['id']}", {"name": "Grandchild"})
    assert [child.status_code, grandchild.status_code] == [201, 201]
    for path in ("", "/v2/accounts", f"/v2/accounts/{grandchild.json()['data']['id']}"):
        assert errors_of(client.put(path, {"name": "One too many"}))["account"]["maxItems"]["target"] == 2
    below = couch().database(database_names.ACCOUNTS).all_docs(include_docs=True)
    assert len([row for row in below if client.account_id in row["doc"].get("pvt_tree", [])]) == 2


def test_messages_of_few_months_are_stored(client: Api) -> None:
    path = f"vmboxes/{client.new_box()['id']}/messages"
    past = [now() - days * DAY for days in (400, 500, 600)]
    assert [client.put(path, {"timestamp": seconds}).status_code for seconds in past[:2]] == [201, 201]
    assert errors_of(client.put(path, {"timestamp": past[2]}))["timestamp"]["maxItems"]["target"] == 4
    assert client.put(path, {"timestamp": past[1]}).status_code == 201
    assert client.put(path, {}).status_code == 201
    months = [name[-6:] for name in couch().names(database_names.account_db(client.account_id) + "-")]
    assert len(months) == 4
    assert month_of(past[2]) not in months


def test_a_request_makes_few_copies(client: Api) -> None:
    boxes = [client.new_box()["id"] for _ in range(3)]
    path = f"vmboxes/{boxes[0]}/messages"
    ids = [client.put(path, {}).json()["data"]["media_id"] for _ in range(3)]
    many = {"messages": ids, "source_id": boxes[1:]}
    assert errors_of(client.post(path, many))["source_id"]["maxItems"]["target"] == 4
    few = {"messages": ids[:2], "source_id": boxes[1:]}
    assert len(client.post(path, few).json()["data"]["succeeded"]) == 4


def test_a_filtered_listing_looks_at_a_bounded_number_of_rows_and_goes_on_there(client: Api, db: Database) -> None:
    box_id, count, month = client.new_box()["id"], 230, month_of(now())
    modb = couch().database(database_names.modb(client.account_id, month))
    modb.put_all(
        [
            {
                "_id": f"{month}-{number:032x}",
                "pvt_type": "mailbox_message",
                "source_id": box_id,
                "utc_seconds": now(),
                "metadata": {"timestamp": now(), "folder": "new", "caller_id_number": str(number)},
            }
            for number in range(count)
        ]
    )
    query: dict[str, str] = {"filter_caller_id_number": "7", "created_from": str(now() - DAY)}
    numbers, pages, key = [], 0, ""
    while pages < 10:
        response = client.get(f"vmboxes/{box_id}/messages", params=query | ({"start_key": key} if key else {})).json()
        numbers += [entry["caller_id_number"] for entry in response["data"]]
        pages, key = pages + 1, response.get("next_start_key", "")
        if not key:
            break
    assert (numbers, pages) == (["7"], 3)
    assert len(client.get(f"vmboxes/{box_id}/messages?page_size=200").json()["data"]) == 200


class TestPlainUsers:
    """What is limited for those who are no administrators."""

    @pytest.fixture
    def user(self, api: Api, account: Account, log_in: Callable[..., Api]) -> tuple[Api, str]:
        """A plain user's client, and the user's id."""
        user = {"first_name": "A", "last_name": "B", "username": "plain", "password": "secret 1"}
        user_id = api.put("users", user).json()["data"]["id"]
        return log_in(account, "plain", "secret 1"), user_id

    def test_they_leave_messages_of_the_present_only(self, api: Api, user: tuple[Api, str]) -> None:
        client, user_id = user
        path = f"vmboxes/{api.new_box(owner_id=user_id)['id']}/messages"
        for seconds, rule in ((now() - 200 * DAY, "minimum"), (1, "minimum"), (now() + 3 * DAY, "maximum")):
            assert rule in errors_of(client.put(path, {"timestamp": seconds}))["timestamp"]
            files = {
                "a": (None, f'{{"timestamp": {seconds}}}', "application/json"),
                "b": ("a.mp3", b"x", "audio/mpeg"),
            }
            assert rule in errors_of(client.put(path, files=files))["timestamp"]
        for seconds in (now() - 30 * DAY, now() + DAY // 2):
            assert client.put(path, {"timestamp": seconds}).status_code == 201
        assert api.put(path, {"timestamp": now() - 200 * DAY}).status_code == 201

    @pytest.mark.parametrize("owner_id", [None, "", "f" * 32])
    def test_they_do_not_give_mailboxes_away(
        self, api: Api, user: tuple[Api, str], db: Database, owner_id: str | None
    ) -> None:
        client, user_id = user
        box = api.new_box(owner_id=user_id)
        path, members = f"vmboxes/{box['id']}", {"name": "N", "mailbox": box["mailbox"]}
        for verb in (client.patch, client.post):
            assert verb(path, {**members, "owner_id": owner_id}).status_code == 403
            assert verb(path, {**members, "owner_id": user_id}).status_code == 200
            assert verb(path, members).status_code == 200
        assert (db.get(box["id"]) or {})["owner_id"] == user_id


class TestBodies:
    """How large a JSON body may be before it is known who sends it."""

    SIZE = 17_000

    @pytest.mark.parametrize("verb", ["POST", "PUT", "PATCH", "DELETE"])
    def test_a_body_without_a_token_beside_it_is_small(self, api: Api, verb: str) -> None:
        path = f"vmboxes/{'0' * 32}"
        body = {"data": {"name": "x" * self.SIZE}, "auth_token": api.token}
        anonymous = api.without_token()
        response = anonymous.request(verb, path, json=body)
        assert response.status_code in (405, 413)
        if response.status_code == 413:
            assert response.json()["error"] == "413"
        assert anonymous.request(verb, path, json={**body, "auth_token": "bad"}).status_code in (405, 413)

    def test_a_known_caller_sends_more(self, api: Api) -> None:
        box = api.new_box()
        members = {"note": "x" * self.SIZE}
        assert api.patch(f"vmboxes/{box['id']}", members).status_code == 200
        replaced = {"name": "N", "mailbox": box["mailbox"], **members}
        assert api.post(f"vmboxes/{box['id']}", replaced).status_code == 200
        by_query = api.without_token()
        assert by_query.post(f"vmboxes/{box['id']}?auth_token={api.token}", replaced).status_code == 200
        assert by_query.post(f"vmboxes/{box['id']}?auth_token=bad", replaced).status_code == 401

    def test_signing_in_takes_little(self, api: Api) -> None:
        data = {"credentials": "0" * 32, "account_realm": "x" * self.SIZE}
        assert api.without_token().put("/v2/user_auth", data).status_code == 413
        assert api.without_token().put("/v2/api_auth", {"api_key": "0" * self.SIZE}).status_code == 413


class TestIds:
    """Ids that no document can have."""

    @pytest.mark.parametrize("document_id", ["a" * 201, "a" * 3_000, "a%0Ab", "%00", "%7F", "a%C2%85"])
    def test_they_are_bad_identifiers(self, api: Api, document_id: str) -> None:
        box_id = api.new_box()["id"]
        paths = ["vmboxes/{}", "vmboxes/{}/messages", f"vmboxes/{box_id}/messages/{{}}", "users/{}"]
        paths += [f"vmboxes/{box_id}/messages/{{}}/raw", "/v2/schemas/{}", "/v2/accounts/{}"]
        for path in paths:
            assert api.get(path.format(document_id)).status_code == 404, path
        assert api.delete(f"vmboxes/{document_id}").status_code == 404

    def test_those_in_a_payload_are_answered_as_well(self, api: Api) -> None:
        path = f"vmboxes/{api.new_box()['id']}/messages"
        message_id = api.put(path, {}).json()["data"]["media_id"]
        for document_id in ("a" * 3_000, "a\nb", "\x00", "a" * 100_000):
            for source in (document_id, [document_id]):
                assert api.post(path, {"messages": [message_id], "source_id": source}).status_code == 404
            failed = api.post(path, {"messages": [document_id], "folder": "new"}).json()["data"]["failed"]
            assert failed == [{document_id: "not_found"}]


ODD_TYPES = ["audio/mpeg\r\nX-Evil: 1", "audio/m\x00peg", "audio/\x7f", "audio/mp\u0085eg", "audio/mpeg; x=\n", ""]


@pytest.mark.parametrize("content_type", ODD_TYPES)
def test_audio_of_an_odd_stored_type_is_sent_with_a_sane_one(content_type: str) -> None:
    safe_type = content_types.safe_type(content_type)
    assert safe_type.isprintable()
    assert safe_type in ("audio/mpeg", "application/octet-stream")


@pytest.mark.parametrize(
    "content_type", ["audio/m\x01peg", "audio/\x7f", "audio/mp\u0085eg", "audio/mpeg; x=\x02", "audio/"]
)
def test_uploads_of_an_odd_type_are_stored_or_refused(api: Api, content_type: str) -> None:
    path = f"vmboxes/{api.new_box()['id']}/messages"
    part = f'Content-Disposition: form-data; name="a"; filename="a\x01.mp3"\r\nContent-Type: {content_type}\r\n'
    body = f"--x\r\n{part}\r\nID3 no real audio\r\n--x--\r\n".encode()
    response = api.put(path, body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert response.status_code in (201, 400, 415)
    if response.status_code == 201:
        assert api.get(f"{path}/{response.json()['data']['media_id']}/raw").content == b"ID3 no real audio"


def test_old_revocations_are_purged(api: Api, log_in: Callable[..., Api], account: Account) -> None:
    tokens_db = couch().database(database_names.TOKENS)
    couch().create(tokens_db.name)
    expired, recent = ("0" * 31 + "1"), ("0" * 31 + "2")
    revocation = {"pvt_type": "token_revocation", "account_id": account.id}
    for revocation_id, exp in ((expired, time.time() - 2 * DAY), (recent, time.time() - 60)):
        tokens_db.put({"_id": revocation_id, **revocation, "exp": int(exp)})
    assert log_in(account).delete("/v2/token_auth").status_code == 200
    assert tokens_db.get(expired) is None
    stored = tokens_db.get(recent)
    assert stored is not None
    tokens_db.delete(recent, stored["_rev"])
