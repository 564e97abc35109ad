"""Chromium for the tests of the desk, driven by Playwright.

One browser serves the whole run; each window has a context of its own. At the end of a test there must have been no
error in its windows: no exception in a script, no violation of the content security policy, no missing file.
"""

import os
import shutil
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.browsing import TIMEOUT, Practice, Staff, Windows
from tests.support.kazoo_messages import leave_spoken
from tests.support.operators import PIN, new_operator
from tests.support.servers import Running, Service
from webhooks import attempts

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
# Age in seconds, caller's name and number, folder, text.
_MESSAGES = (
    (240, "Ada Lovelace", "+15550100", "new", "Hello, this is Ada. Please call me back about my appointment."),
    (5_400, "Grace Hopper", "+15550101", "new", "It is Grace. I would like to come an hour later tomorrow."),
    (90_000, "Alan Turing", "+15550102", "saved", "Good morning. My invoice has the wrong address."),
    (180_000, "", "anonymous", "deleted", "Nobody seems to be there."),
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser."""
    names = (os.environ.get("CHROMIUM") or _NAMES[0], *_NAMES)
    path = next(filter(None, map(shutil.which, names)), None)
    assert path, "Chromium is not installed; scripts/chromium installs it where it may."
    expect.set_options(timeout=TIMEOUT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser) -> Iterator[Windows]:
    """Opens windows: ``window(desk, "desk/account/")``, ``window(desk, display=Display(NARROW))``."""
    windows = Windows(chromium)
    yield windows
    windows.close()
    assert not windows.errors, "\n".join(windows.errors)


@pytest.fixture(scope="session")
def staff(server: Running, service: Service) -> Staff:
    """Operators, one of each combination of groups for the whole run: these tests change none."""
    return cache(lambda *groups: new_operator(server.url, service, groups, ()))


@pytest.fixture
def practice(account: Account, api: Api, audio: Studio) -> Practice:
    """An account with named mailboxes, and with recent messages that were really spoken."""
    assert api.post("", {"name": "Green Valley Dental", "realm": account.realm}).status_code == 200
    boxes = [
        api.new_box("3000", name="Reception", pin=PIN, timezone="Europe/Berlin", some_key="kept"),
        api.new_box("3001", name="Dr. Amara Okafor", notify_email_addresses=["okafor@example.com"]),
        api.new_box("3002", name="Billing"),
    ]
    greeting = api.put("media", {"name": "Summer", "tts": {"text": "We are on holiday until the tenth of August."}})
    media_id = greeting.json()["data"]["id"]
    assert api.patch(f"vmboxes/{boxes[0]['id']}", {"media": {"unavailable": media_id}}).status_code == 200
    now = gregorian.now()
    recordings = [audio("mp3", text) for *_, text in _MESSAGES]
    message_ids = [
        leave_spoken(
            account,
            boxes[0],
            now - age,
            recording.content,
            caller_id_name=caller,
            caller_id_number=number,
            length=recording.milliseconds,
            folder=folder,
            transcription={"result": "success", "text": text},
        )
        for (age, caller, number, folder, text), recording in zip(_MESSAGES, recordings, strict=True)
    ]
    seconds = [recording.milliseconds / 1000 for recording in recordings]
    return Practice(account, boxes, message_ids, seconds, media_id, *failed_webhook(api))


def failed_webhook(api: Api) -> tuple[str, str]:
    """Create a webhook with a failed attempt; the ids of both."""
    members = {"name": "Our CRM", "uri": "https://crm.example.com/voicemail", "hook": "notifications"}
    hook_id: str = api.put("webhooks", members).json()["data"]["id"]
    attempt: dict[str, Any] = {
        "hook_id": hook_id,
        "hook_event": "notifications",
        "event_id": "1" * 32,
        "method": "post",
        "uri": members["uri"],
        "req_headers": {"Content-Type": "application/json", "X-Hook-ID": hook_id, "Authorization": "Bearer 1"},
        "req_body": '{"event_name":"voicemail_new","caller_id_name":"Jonas Weber","voicemail_length":9300}',
        "resp_status_code": 503,
        "resp_headers": {"content-type": "text/plain", "retry-after": "120"},
        "resp_body": "Maintenance until noon",
        "try": 1,
        "retries": 2,
        "retries_left": 2,
        "result": "failure",
        "reason": "bad response code",
        "next_try": gregorian.now() + 120,
        "pvt_event_name": "voicemail_new",
        "pvt_event_data": {},
    }
    return hook_id, attempts.store_attempt(api.account_id, attempt)["_id"]
