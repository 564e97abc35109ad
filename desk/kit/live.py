"""Pages that refresh themselves: what they need to hear of changes (``desk/kit/live.js``)."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from csp.constants import SELF
from csp.decorators import csp_update
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from live import tickets


@dataclass(frozen=True)
class LiveList:
    """Where a page listens, to what, and with what right."""

    url: str
    ticket: str
    account_id: str
    bindings: str
    """With blanks between them."""


def live_list(request: HttpRequest, account_id: str, *types: str) -> LiveList | None:
    """Return what lets a page hear of an account's documents of some types; None if nobody tells (LIVE_URL)."""
    return _listen_to(request, account_id, " ".join(f"object.*.{name}" for name in types))


def live_system(request: HttpRequest) -> LiveList | None:
    """Return what lets a page hear that the state of the service has changed; None if nobody tells (LIVE_URL)."""
    return _listen_to(request, tickets.SYSTEM, "object.*.*")


def _listen_to(request: HttpRequest, account_id: str, bindings: str) -> LiveList | None:
    if not settings.LIVE_URL:
        return None
    host = urlsplit(f"//{request.get_host()}").hostname or ""
    url = settings.LIVE_URL.replace("{host}", f"[{host}]" if ":" in host else host)
    return LiveList(url, tickets.issue(account_id, str(request.user.pk)), account_id, bindings)


def allow_live(page: Callable[[], HttpResponseBase], request: HttpRequest, live: LiveList | None) -> HttpResponseBase:
    """Return a page that may connect to where it listens."""
    if live is None:
        return page()
    return csp_update({"connect-src": [SELF, live.url]})(lambda _: page())(request)
