"""The messages that the query of a list asks for, page by page: for its page, for files, and for actions on all."""

from django.http import QueryDict

from couch.database import Document
from crossbar.filters import Filter
from crossbar.pages import Page, PageRequest, TimeRange
from desk.kit.sorting import Order
from desk.messages.filters import is_removed_query, summary_tests
from voicemail.messages import listing as message_listing

DEFAULT_ORDER = Order("time", is_descending=True)
MAX_SEARCHED = 3_000
"""A page ends after this many messages, however few of them match."""


def list_page(
    query: QueryDict, account_id: str, box: Document | None, requested: PageRequest, time_range: TimeRange
) -> Page[message_listing.Entry]:
    """A page of the messages that a list's query asks for, within a time. Raises InvalidStartKey."""
    live_source = message_listing.SILENT if query.get("audio") == "none" else message_listing.LIVE
    return message_listing.list_messages(
        account_id,
        box,
        requested,
        time_range,
        Filter(summary_tests(query)),
        None,
        source=message_listing.REMOVED if is_removed_query(query) else live_source,
        max_rows=MAX_SEARCHED,
    )
