"""A real browser for the operators' desk: Chromium, driven by Playwright.

A module asks for these fixtures with ``pytest_plugins = ["browser_fixtures"]``. One browser serves a whole run; each
page has a context of its own. At a test's end nothing may have gone wrong in its pages: no error in a script,
nothing that the content security policy forbids, nothing that could not be loaded.
"""

import os
import shutil
from collections.abc import Iterator

import pytest
from browsing import Windows
from playwright.sync_api import Browser, sync_playwright

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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        yield browser
        browser.close()


@pytest.fixture
def window(chromium: Browser) -> Iterator[Windows]:
    """Opens windows: ``window(desk, "accounts/account/")``, ``window(desk, look=Look(NARROW))``."""
    windows = Windows(chromium)
    yield windows
    windows.close()
    assert not windows.troubles, "\n".join(windows.troubles)
