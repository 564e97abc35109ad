"""A real browser for the operators' desk: Chromium, driven by Playwright.

One browser serves a whole run; each page has a context of its own. At a test's end nothing may have gone wrong in its
pages: no error in a script, nothing that the content security policy forbids, nothing that could not be loaded.
"""

import os
import shutil
from collections.abc import Iterator
from functools import cache

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.browsing import PATIENCE, Practice, Staff, Windows
from tests.support.kazoo_messages import leave_spoken
from tests.support.operators import new_operator
from tests.support.servers import Running, Service

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser."""
    path = next(filter(None, map(shutil.which, (os.environ.get("CHROMIUM") or _NAMES[0], *_NAMES))), None)
    assert path, "Chromium is not installed: scripts/chromium does it, where it may."
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser) -> Iterator[Windows]:
    """Opens windows: ``window(desk, "desk/account/")``, ``window(desk, look=Look(NARROW))``."""
    windows = Windows(chromium)
    yield windows
    windows.close()
    assert not windows.troubles, "\n".join(windows.troubles)


@pytest.fixture(scope="session")
def staff(server: Running, service: Service) -> Staff:
    """Operators, of each groups one for the whole run: what they may is their groups' matter, not the tests'."""
    return cache(lambda *groups: new_operator(server.url, service, groups, ()))


@pytest.fixture
def practice(account: Account, api: Api, audio: Studio) -> Practice:
    """An account with what operators meet in one: named mailboxes and spoken messages of these days."""
    name = {"name": "Green Valley Dental", "realm": account.realm}
    assert api.post("", name).status_code == 200
    boxes = [
        api.new_box("3000", name="Reception", pin="4321", timezone="Europe/Berlin", some_key="kept"),
        api.new_box("3001", name="Dr. Amara Okafor", notify_email_addresses=["okafor@example.com"]),
        api.new_box("3002", name="Billing"),
    ]
    now = gregorian.now()
    ids = [
        leave_spoken(
            account,
            boxes[0],
            now - age,
            audio("mp3", text).content,
            caller_id_name=caller,
            caller_id_number=number,
            length=audio("mp3", text).milliseconds,
            folder=folder,
            transcription={"result": "success", "text": text},
        )
        for age, caller, number, folder, text in _LEFT
    ]
    return Practice(
        {**name, "id": account.id},
        account,
        boxes,
        ids,
        [audio("mp3", text).milliseconds / 1000 for *_, text in _LEFT],
    )


_LEFT = (
    (240, "Ada Lovelace", "+15550100", "new", "Hello, this is Ada. Please call me back about my appointment."),
    (5_400, "Grace Hopper", "+15550101", "new", "It is Grace. I would like to come an hour later tomorrow."),
    (90_000, "Alan Turing", "+15550102", "saved", "Good morning. My invoice has the wrong address."),
    (180_000, "", "anonymous", "deleted", "Nobody seems to be there."),
)
