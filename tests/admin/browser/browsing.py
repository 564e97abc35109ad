"""Windows of a real browser on the operators' desk."""

from dataclasses import dataclass

from operators import Desk
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize

WIDE, NARROW = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
_PATIENCE = 15_000
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

    def __call__(self, desk: Desk, path: str = "", look: Look = WIDE_LIGHT) -> Page:
        """A window of an operator who is logged in, at a path below /admin/."""
        page = self.empty(desk.url, look)
        cookies = [{"name": name, "value": value, "url": desk.url} for name, value in desk.session.cookies.items()]
        page.context.add_cookies(cookies)  # type: ignore[arg-type]
        page.goto(path)
        return page

    def empty(self, url: str, look: Look = WIDE_LIGHT) -> Page:
        """A window of somebody who is not logged in; its addresses are relative to /admin/."""
        context = self.browser.new_context(
            base_url=f"{url}/admin/", viewport=look.size, color_scheme="dark" if look.dark else "light"
        )
        context.set_default_timeout(_PATIENCE)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.troubles.append(f"{error.page and error.page.url}: {error.error}"))
        return context.new_page()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.location['url']}: {message.text}")

    def close(self) -> None:
        """Close all windows."""
        for context in self.browser.contexts:
            context.close()
