"""The API from a page of another origin, as Monster UI calls it: in its order, with its headers and bodies."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from couch.client import couch
from storage import database_names, gregorian
from tests.desk.browser.test_browser_messages import PLAY_PAST, SEEK
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.browsing import Practice, Windows
from tests.support.kazoo_messages import stored
from tests.support.servers import Running

PAGE = b"<!doctype html><title>Another origin</title><link rel=icon href=data:,><audio></audio><a></a>"
SEND = """({method, url, token, body, type}) => new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(), progress = [];
    request.open(method, url);
    request.setRequestHeader('Accept', 'application/json, text/javascript, */*; q=0.01');
    request.setRequestHeader('Content-Type', type);
    if (token !== null) request.setRequestHeader('X-Auth-Token', token);
    if (body !== null && type !== 'application/json')
        request.upload.onprogress = event => progress.push([event.lengthComputable, event.loaded, event.total]);
    request.onerror = () => reject(new Error(`${method} ${url}: no answer that the page may read`));
    request.onload = () => resolve({
        status: request.status,
        type: request.getResponseHeader('Content-Type'),
        answer: request.responseText ? JSON.parse(request.responseText) : null,
        progress,
    });
    request.send(body instanceof Object ? JSON.stringify(body) : body);
})"""
SEND_BYTES = SEND.replace(
    "request.send(body instanceof Object ? JSON.stringify(body) : body)",
    """
    request.send(Uint8Array.from(atob(body), character => character.charCodeAt(0)))""",
)


class Client:
    """A page of another origin that sends what Monster UI sends."""

    def __init__(self, page: Page, api: Api) -> None:
        self.page, self.api = page, api
        self.token: str | None = "undefined"  # which Monster UI does send before somebody signs in
        self.preflights: dict[str, int] = {}
        """Statuses of the answers when the browser asked leave for a request, by path below the account."""
        self._watch_preflights()

    def send(self, method: str, path: str, data: Any = None, *, with_token: bool = True) -> dict[str, Any]:
        """Send a request with its data in an envelope; return status, type and answer as the page sees them."""
        metadata = {"version": "4.3.0", "ui": "monster-ui", "origin": "core"}
        body = None if method == "GET" else {"data": {**(data or {}), "ui_metadata": metadata}}
        return self._evaluate(SEND, method, path, body, "application/json", with_token=with_token)

    def get(self, path: str) -> dict[str, Any]:
        """GET, past all caches as jQuery does it."""
        return self.send("GET", f"{path}{'&' if '?' in path else '?'}_=1795903223300")

    def upload(self, path: str, body: str, content_type: str) -> dict[str, Any]:
        """POST a text."""
        return self._evaluate(SEND, "POST", path, body, content_type)

    def upload_bytes(self, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        """POST bytes."""
        return self._evaluate(SEND_BYTES, "POST", path, base64.b64encode(body).decode(), content_type)

    def _evaluate(
        self, script: str, method: str, path: str, body: Any, content_type: str, *, with_token: bool = True
    ) -> dict[str, Any]:
        token = self.token if with_token else None
        url = self.api.address(path)
        arguments = {"method": method, "url": url, "token": token, "body": body, "type": content_type}
        result: dict[str, Any] = self.page.evaluate(script, arguments)
        return result

    def _watch_preflights(self) -> None:
        def note(event: dict[str, Any]) -> None:
            if event["type"] == "Preflight":
                path = urlsplit(event["response"]["url"]).path.removeprefix(f"/v2/accounts/{self.api.account_id}")
                self.preflights[path] = event["response"]["status"]

        session = self.page.context.new_cdp_session(self.page)
        session.on("Network.responseReceived", note)
        session.send("Network.enable")


class _OtherOrigin(BaseHTTPRequestHandler):
    """Serves one page, with nothing in it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


@pytest.fixture(scope="module")
def other_origin() -> Iterator[str]:
    """The address of a page on another port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _OtherOrigin)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(window: Windows, server: Running, other_origin: str, api: Api) -> Client:
    """The page, with nobody signed in."""
    page = window.open_logged_out(server.url)
    page.goto(other_origin)
    return Client(page, api)


@pytest.fixture
def signed_in(client: Client, api: Api) -> Client:
    """The page, with the account's administrator signed in."""
    client.token = api.token
    return client


def test_monster_ui_starts_and_stays_signed_in(client: Client, window: Windows, account: Account, api: Api) -> None:
    box = api.new_box("3000")
    user = f"users/{account.user_id}"
    assert [client.get(f"/v2/whitelabel/127.0.0.1{page}")["status"] for page in ("", "/logo", "/icon")] == [404] * 3

    credentials = hashlib.md5(f"{account.username}:{account.password}".encode()).hexdigest()
    login = {"credentials": credentials, "account_name": account.name}
    wrong = client.send("PUT", "/v2/user_auth", {**login, "credentials": "0" * 32}, with_token=False)
    assert (wrong["status"], wrong["answer"]["message"]) == (401, "invalid_credentials")
    signed_in = client.send("PUT", "/v2/user_auth", login, with_token=False)
    client.token = signed_in["answer"]["auth_token"]

    apps = client.get("apps_store")["answer"]["data"]
    shown = client.get("")["answer"]["data"]
    profile = client.get(user)["answer"]["data"]
    steps = [
        signed_in,
        client.get("external_numbers"),
        client.send("PATCH", user, {"appList": [app["id"] for app in apps]}),
        client.get("ledgers/total"),
        client.get("limits"),
        client.send("POST", "", {**shown, "ui_restrictions": {"myaccount": {"user": {"show_tab": True}}}}),
        client.send(
            "POST", user, {**profile, "apps": {}, "ui_help": {"myaccount": {"showfirstUseWalkthrough": False}}}
        ),
        client.get("alerts"),
        client.get("storage"),
        client.get("vmboxes?paginate=false"),
        client.send("POST", "/v2/auth/tokeninfo", {"token": client.token}, with_token=False),
    ]
    assert [step["status"] for step in steps] == [201, 404, 200, 200, 200, 200, 200, 404, 404, 200, 200]
    assert {step["type"] for step in steps} == {"application/json"}
    assert [app["name"] for app in apps] == ["voicemails"]
    assert [shown_box["id"] for shown_box in steps[-2]["answer"]["data"]] == [box["id"]]
    told = steps[-1]["answer"]["data"]
    assert (told["account_id"], told["owner_id"]) == (account.id, account.user_id)

    database = couch().database(database_names.account_db(account.id))
    stored_user, stored_account = database.get(account.user_id), database.get(account.id)
    assert stored_user is not None
    assert stored_user["ui_help"]["myaccount"] == {"showfirstUseWalkthrough": False}
    assert stored_account is not None
    assert stored_account["ui_restrictions"]["myaccount"]["user"] == {"show_tab": True}
    assert {"", f"/{user}", "/apps_store", "/v2/user_auth", "/v2/auth/tokeninfo"} <= client.preflights.keys()
    assert set(client.preflights.values()) == {200}
    window.expect_error("404")
    window.expect_error("401")


def test_messages_are_listed_marked_moved_and_deleted(signed_in: Client, practice: Practice) -> None:
    first, second = (f"vmboxes/{box['id']}/messages" for box in practice.boxes[:2])
    heard, moved, deleted = practice.message_ids[:3]

    def listed(path: str) -> list[tuple[str, str]]:
        answer = signed_in.get(path)["answer"]["data"]
        return [(message["media_id"], message["folder"]) for message in answer]

    now = gregorian.now()
    week = f"{first}?paginate=false&created_from={now - 7 * 86400}&created_to={now}"
    assert [media_id for media_id, _ in listed(week)] == practice.message_ids
    assert listed(f"{first}?paginate=false&created_from={now - 600}&created_to={now}") == [(heard, "new")]

    assert signed_in.send("POST", first, {"messages": [heard], "folder": "saved"})["status"] == 200
    assert stored(practice.account, heard)["metadata"]["folder"] == "saved"
    assert signed_in.send("POST", first, {"messages": [moved], "source_id": practice.boxes[1]["id"]})["status"] == 200
    assert [folder for _, folder in listed(f"{second}?paginate=false")] == ["new"]
    assert signed_in.send("DELETE", first, {"messages": [deleted]})["answer"]["data"]["succeeded"] == [deleted]
    assert listed(f"{first}?paginate=false") == [(heard, "saved"), (practice.message_ids[3], "deleted")]
    assert signed_in.preflights[f"/{first}"] == 200


def test_an_element_plays_and_a_link_downloads_with_the_token_in_the_address(
    signed_in: Client, practice: Practice
) -> None:
    path = f"vmboxes/{practice.boxes[0]['id']}/messages/{practice.message_ids[0]}/raw"
    address = f"{signed_in.api.address(path)}?auth_token={signed_in.token}"
    player = signed_in.page.locator("audio")
    player.evaluate("(player, url) => { player.src = url; return player.play(); }", address)
    assert player.evaluate(PLAY_PAST, 0.1) > 0.1
    length = player.evaluate("player => player.duration")
    assert length == pytest.approx(practice.message_seconds[0], abs=0.2)
    assert player.evaluate(SEEK, length - 1) == pytest.approx(length - 1, abs=0.05)

    with signed_in.page.expect_download() as download:
        signed_in.page.locator("a").evaluate("(link, url) => { link.href = url; link.click(); }", address)
    assert download.value.suggested_filename.endswith(".mp3")
    assert Path(download.value.path()).read_bytes() == signed_in.api.get(path).content


@pytest.mark.parametrize("is_text", [True, False], ids=["data_uri", "bytes"])
def test_a_greeting_is_uploaded_with_progress(signed_in: Client, api: Api, audio: Studio, is_text: bool) -> None:
    recording = audio("wav", "We are closed for lunch. Please leave a message after the tone.")
    form = {"streamable": True, "name": "Lunch", "media_source": "upload", "auth_token": "", "description": "a.wav"}
    media_id = signed_in.send("PUT", "media", form)["answer"]["data"]["id"]
    raw = f"media/{media_id}/raw"
    if is_text:
        text = f"data:audio/wav;base64,{base64.b64encode(recording.content).decode()}"
        uploaded, size = signed_in.upload(raw, text, "application/x-base64"), len(text)
    else:
        uploaded, size = signed_in.upload_bytes(raw, recording.content, "audio/wav"), len(recording.content)
    assert uploaded["status"] == 200
    assert uploaded["progress"][-1] == [True, size, size]
    assert api.get(raw).content == recording.content

    box = f"vmboxes/{api.new_box('3000')['id']}"
    members = signed_in.get(box)["answer"]["data"]
    assert signed_in.send("POST", box, {**members, "media": {"unavailable": media_id}})["status"] == 200
    assert signed_in.get(box)["answer"]["data"]["media"] == {"unavailable": media_id}
    assert [media["id"] for media in signed_in.get("media?paginate=false")["answer"]["data"]] == [media_id]
    assert signed_in.send("DELETE", f"media/{media_id}")["status"] == 200
