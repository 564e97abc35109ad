"""Windows of a real browser on the operators' desk."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize

from tests.support.api_client import Account
from tests.support.operators import Desk

Staff = Callable[..., Desk]
"""An operator who is logged in, by groups; of none, one who may do all: ``staff("Support")``, ``staff()``."""
WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
PATIENCE = 30_000
"""Milliseconds until what a test waits for is held to be missing."""


@dataclass(frozen=True)
class Look:
    """How somebody looks at the desk: the size of the window, in pixels, and whether the system is set to dark."""

    size: ViewportSize
    dark: bool = False

    def __str__(self) -> str:
        return f"{'dark' if self.dark else 'light'}-{self.size['width']}"


WIDE_LIGHT = Look(WIDE)
LOOKS = (WIDE_LIGHT, Look(WIDE, dark=True), Look(NARROW), Look(NARROW, dark=True))


class Windows:
    """Opens pages of the desk, and keeps what went wrong in them."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.troubles: list[str] = []

    def __call__(self, desk: Desk, path: str = "", look: Look = WIDE_LIGHT, **options: Any) -> Page:
        """A window of an operator who is logged in, at a path below /admin/; options are those of `empty`."""
        page = self.empty(desk.url, look, **options)
        cookies = [{"name": name, "value": value, "url": desk.url} for name, value in desk.session.cookies.items()]
        page.context.add_cookies(cookies)  # type: ignore[arg-type]
        page.goto(path)
        return page

    def empty(self, url: str, look: Look = WIDE_LIGHT, *, without_policy: bool = False) -> Page:
        """A window of somebody who is not logged in; its addresses are relative to /admin/.

        `without_policy`: whatever the pages' content security policy says is allowed, for tools that a test brings.
        """
        context = self.browser.new_context(
            base_url=f"{url}/admin/",
            viewport=look.size,
            color_scheme="dark" if look.dark else "light",
            bypass_csp=without_policy,
        )
        context.set_default_timeout(PATIENCE)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.troubles.append(f"{error.page and error.page.url}: {error.error}"))
        return context.new_page()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.location['url']}: {message.text}")

    def forgive(self, text: str) -> None:
        """Forget the troubles that a test wanted to have; there has to be one."""
        wanted = [one for one in self.troubles if text in one]
        assert wanted, self.troubles
        self.troubles = [one for one in self.troubles if one not in wanted]

    def close(self) -> None:
        """Close all windows."""
        for context in self.browser.contexts:
            context.close()


@dataclass(frozen=True)
class Practice:
    """An account that is in use: its mailboxes, and the ids of the first one's messages, the latest first."""

    told: dict[str, str]
    """Its present name, realm and id."""
    account: Account
    boxes: list[dict[str, Any]]
    messages: list[str]
    seconds: list[float]
    """How long those messages play."""

    @property
    def account_page(self) -> str:
        """Where its page is, below /admin/."""
        return f"desk/account/{self.account.id}/"

    def box_page(self, number: int = 0) -> str:
        """Where a mailbox's page is."""
        return f"desk/mailbox/{self.account.id}/{self.boxes[number]['id']}/"

    def message_page(self, number: int = 0) -> str:
        """Where a message's page is."""
        return f"desk/message/{self.account.id}/{self.boxes[0]['id']}/{self.messages[number]}/"

    def message_list(self, number: int = 0) -> str:
        """Where a mailbox's messages are listed."""
        return f"desk/message/?account={self.account.id}&box={self.boxes[number]['id']}"


def pages(practice: Practice) -> Iterable[str]:
    """Every kind of page of the desk, below /admin/; for an operator who may do all."""
    account, box, message = practice.account_page, practice.box_page(), practice.message_page()
    of_account = practice.account.id
    user = f"desk/accountuser/{of_account}/{practice.account.user_id}/"
    yield from ("", "desk/account/", "desk/account/add/", "desk/account/health/")
    yield from (f"desk/account/?below={of_account}", "desk/auditentry/", "auth/user/")
    yield from (account + page for page in ("", "change/", "switch/", "api-key/", "renew-api-key/", "history/"))
    yield from (f"desk/accountuser/{page}" for page in (f"?account={of_account}", f"{of_account}/add/"))
    yield from (user + page for page in ("", "change/", "password/", "delete/", "history/"))
    yield from (f"migration/migrationrun/{page}" for page in ("", f"{of_account}/"))
    yield from (f"desk/mailbox/{page}" for page in (f"?account={of_account}", f"{of_account}/add/"))
    yield from (box + page for page in ("", "change/", "pin/", "delete/", "history/"))
    yield from (f"desk/message/?account={of_account}", practice.message_list())
    yield from (practice.message_list() + query for query in ("&removed=yes", "&since=2026-02-02&until=2026-02-01"))
    yield f"desk/message/{of_account}/{practice.boxes[0]['id']}/add/"
    yield from (message + page for page in ("", "upload/", "history/"))
