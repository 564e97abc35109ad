"""In which time zone the desk's pages show times: in UTC, or in that of the customer whose page it is.

The operator chooses, for all pages. A page's zone is Django's current time zone while the page is made and rendered;
`desk.kit.formats` and Django's own filters use it. Whatever isn't about a customer is shown in UTC.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from accounts import accounts
from couch.errors import CouchError
from crossbar.errors import ApiError
from desk.models import TimePreference
from voicemail.mailboxes import store as mailbox_store
from voicemail.mailboxes import time_zone

_ATTRIBUTE = "is_customers_page"


def prefers_customers(operator_id: int) -> bool:
    """Whether an operator reads times in the customers' time zones."""
    return TimePreference.objects.filter(pk=operator_id).exists()


def store_preference(operator_id: int, *, is_customers: bool) -> None:
    """Keep in which time zone an operator reads times."""
    if is_customers:
        TimePreference.objects.get_or_create(operator_id=operator_id)
    else:
        TimePreference.objects.filter(pk=operator_id).delete()


def is_customers_page(request: HttpRequest) -> bool:
    """Whether a page is about a customer: the operator's choice makes a difference on it."""
    return bool(getattr(request, _ATTRIBUTE, False))


def zone_label() -> str:
    """What times on the present page are in: ``UTC``, or the name of the customer's time zone."""
    return timezone.get_current_timezone_name()


def heading(text: str) -> str:
    """The heading of times: what they are, and in which time zone."""
    return f"{text} ({zone_label()})"


@contextmanager
def page_zone(request: HttpRequest, ids: Mapping[str, Any]) -> Iterator[None]:
    """Show times, within the ``with`` block, as the operator chose; `ids` are those in the page's address."""
    account_id = str(ids.get("account_id") or request.GET.get("account", ""))
    box_id = str(ids.get("box_id") or request.GET.get("box", ""))
    setattr(request, _ATTRIBUTE, bool(account_id))
    is_customers = bool(account_id) and prefers_customers(int(request.user.pk or 0))
    with timezone.override(_customer_zone(account_id, box_id) if is_customers else "UTC"):
        yield


def _customer_zone(account_id: str, box_id: str) -> Any:
    """The time zone of a mailbox, or else of its account; UTC if neither has one that is known, or exists."""
    try:
        account = accounts.get(account_id)
        box = mailbox_store.find(account_id, box_id) if box_id else None
        return time_zone.of_box(account, box or {"_id": ""}) or "UTC"
    except (ApiError, CouchError):  # which the page itself tells
        return "UTC"
