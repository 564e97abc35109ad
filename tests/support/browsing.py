"""The desk in a real browser: its windows, and an account with data to show in them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize

from tests.support.api_client import Account
from tests.support.operators import Desk

Staff = Callable[..., Desk]
"""A logged-in operator of some groups, or a superuser: ``staff("Support")``, ``staff()``."""
WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
PLAY = """player => new Promise(resolve => {
    const check = () => player.currentTime > 0.1 && resolve(player.currentTime);
    player.addEventListener('timeupdate', check);
    player.play();
    check();
})"""
"""A script that plays audio until it is heard; it returns the position."""
TIMEOUT = 30_000
"""Milliseconds to wait for anything on a page."""


@dataclass(frozen=True)
class Display:
    """A window's size in pixels, and whether the system prefers dark colours."""

    size: ViewportSize
    is_dark: bool = False

    def __str__(self) -> str:
        return f"{'dark' if self.is_dark else 'light'}-{self.size['width']}"


_DEFAULT_DISPLAY = Display(WIDE)


class Windows:
    """Opens pages of the desk, and collects the errors in them."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.errors: list[str] = []

    def __call__(self, desk: Desk, path: str = "", display: Display = _DEFAULT_DISPLAY, **options: Any) -> Page:
        """A window of a logged-in operator, at a path below /admin/. The options are those of `open_logged_out`."""
        page = self.open_logged_out(desk.url, display, **options)
        cookies = [{"name": name, "value": value, "url": desk.url} for name, value in desk.session.cookies.items()]
        page.context.add_cookies(cookies)  # type: ignore[arg-type]
        page.goto(path)
        return page

    def open_logged_out(self, url: str, display: Display = _DEFAULT_DISPLAY, *, without_policy: bool = False) -> Page:
        """An empty window. URLs in it are relative to /admin/.

        `without_policy` turns off the pages' content security policy, for a test that brings scripts of its own.
        """
        context = self.browser.new_context(
            base_url=f"{url}/admin/",
            viewport=display.size,
            color_scheme="dark" if display.is_dark else "light",
            bypass_csp=without_policy,
            reduced_motion="reduce",
        )
        context.set_default_timeout(TIMEOUT)
        context.on("console", self._collect)
        context.on("weberror", lambda error: self.errors.append(f"{error.page and error.page.url}: {error.error}"))
        return context.new_page()

    def _collect(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.location['url']}: {message.text}")

    def expect_error(self, text: str) -> None:
        """Assert that there is an error with a text, and forget all errors with it."""
        expected = [error for error in self.errors if text in error]
        assert expected, self.errors
        self.errors = [error for error in self.errors if error not in expected]

    def close(self) -> None:
        """Close all windows."""
        for context in self.browser.contexts:
            context.close()


@dataclass(frozen=True)
class Practice:
    """An account in use: its mailboxes, and the messages in the first one, the latest first."""

    account: Account
    boxes: list[dict[str, Any]]
    message_ids: list[str]
    message_seconds: list[float]
    """The messages' lengths."""
    media_id: str
    """The greeting of the first mailbox."""
    hook_id: str
    attempt_id: str
    """A webhook, and a failed attempt to send for it."""

    @property
    def account_page(self) -> str:
        """The path of its page, below /admin/."""
        return f"desk/account/{self.account.id}/"

    def box_page(self, index: int = 0) -> str:
        """The path of a mailbox's page."""
        return f"desk/mailbox/{self.account.id}/{self.boxes[index]['id']}/"

    @property
    def media_page(self) -> str:
        """The path of the page of its media."""
        return f"desk/media/{self.account.id}/{self.media_id}/"

    def message_page(self, index: int = 0) -> str:
        """The path of a message's page."""
        return f"desk/message/{self.account.id}/{self.boxes[0]['id']}/{self.message_ids[index]}/"

    def message_list(self, index: int = 0) -> str:
        """The path of the list of a mailbox's messages."""
        return f"desk/message/?account={self.account.id}&box={self.boxes[index]['id']}"


def all_pages(practice: Practice) -> Iterable[str]:
    """A page of every kind, below /admin/, for a superuser."""
    account_id = practice.account.id
    account, box, message = practice.account_page, practice.box_page(), practice.message_page()
    user = f"desk/accountuser/{account_id}/{practice.account.user_id}/"
    yield from ("", "sessions/", "second-factor/", "desk/account/", "desk/account/add/", "desk/account/health/")
    yield from (f"desk/account/overview/{name}/" for name in ("databases", "storage"))
    yield f"search/?find={practice.account.realm}"
    yield from (f"desk/account/?below={account_id}", "desk/auditentry/", "auth/user/")
    yield from (account + page for page in ("", "change/", "switch/", "api-key/", "renew-api-key/", "history/"))
    yield from (f"desk/accountuser/{page}" for page in (f"?account={account_id}", f"{account_id}/add/"))
    yield from (user + page for page in ("", "change/", "password/", "delete/", "history/"))
    yield from (f"migration/migrationrun/{page}" for page in ("", f"{account_id}/"))
    yield from (f"desk/mailbox/{page}" for page in (f"?account={account_id}", f"{account_id}/add/"))
    yield f"desk/mailbox/{account_id}/import/"
    yield from (box + page for page in ("", "change/", "pin/", "delete/", "history/"))
    yield from (f"{box}greetings/{kind}/" for kind in ("unavailable", "name"))
    yield from (f"desk/media/{page}" for page in (f"?account={account_id}", f"{account_id}/add/"))
    yield from (practice.media_page + page for page in ("", "change/", "upload/", "delete/", "history/"))
    hook = f"desk/webhook/{account_id}/{practice.hook_id}/"
    yield from (f"desk/webhook/{page}" for page in (f"?account={account_id}", f"{account_id}/add/"))
    yield from (f"desk/apikey/{page}" for page in (f"?account={account_id}", f"{account_id}/add/"))
    yield f"desk/mail/?account={account_id}"
    yield from (f"desk/mail/{account_id}/templates/{page}" for page in ("", "voicemail_to_email/"))
    yield from (hook + page for page in ("", "change/", "test/", f"attempts/{practice.attempt_id}/"))
    yield from (f"desk/message/?account={account_id}", practice.message_list())
    yield from (practice.message_list() + query for query in ("&removed=yes", "&since=2026-02-02&until=2026-02-01"))
    yield f"desk/message/{account_id}/runs/"
    yield f"desk/message/{account_id}/{practice.boxes[0]['id']}/add/"
    yield from (message + page for page in ("", "upload/", "history/"))
    yield from (f"erasure/erasure/{page}" for page in ("", "caller/", "export/"))
    yield f"erasure/erasure/new/?kind=mailbox&account={account_id}&id={practice.boxes[0]['id']}"
