"""The table of an account's media."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from couch.database import Document
from crossbar.filters import Filter
from desk.kit.sorting import Order
from desk.kit.tables import Cell, Column, Paging, Row, Table, page_request
from desk.media.links import media_url
from desk.media.titles import media_title, source_title
from desk.media.uses import format_uses, use_links
from media import store as media_store
from storage import folding

_PAGE_SIZE = 50


def media_table(request: HttpRequest, account_id: str) -> Table:
    """The page of media that the query asks for: ``q`` is a search, ``start_key`` a page."""
    text = request.GET.get("q", "").strip()[:200]
    order = Order.of(request, ["name"], Order("name"))
    requested = page_request(request, _PAGE_SIZE, descending=order.is_descending)
    page = media_store.list_media(account_id, requested, _name_filter(text))
    uses = use_links(request, account_id, [media["_id"] for media in page.entries])
    return Table(
        columns=_media_columns(request, order),
        rows=[_media_row(account_id, media, format_uses(uses.get(media["_id"], []))) for media in page.entries],
        caption=_("Media"),
        empty=_("No matching media.") if text else _("There are no media yet."),
        paging=Paging.of_page(request, page),
        search=text,
        search_help=_("A part of the name."),
        search_parameters=[("account", account_id)],
        total=None if text else media_store.count_media(account_id),
    )


def _media_columns(request: HttpRequest, order: Order) -> list[Column]:
    titles = {
        "name": _("Name"),
        "language": _("Language"),
        "source": _("Source"),
        "audio": _("Audio"),
        "used_by": _("Used by"),
    }
    return order.columns(request, titles, ["name"])


def _name_filter(text: str) -> Filter:
    parts = folding.search_parts(text)

    def matches(media: Mapping[str, Any]) -> bool:
        return folding.has_parts(str(media.get("name") or ""), parts)

    return Filter([matches]) if parts else Filter()


def _media_row(account_id: str, media: Document, uses: str) -> Row:
    audio = next(iter((media.get("_attachments") or {}).values()), None)
    size = (
        "none" if audio is None else f"{str(audio.get('content_type') or '')[:60]}, {filesizeformat(audio['length'])}"
    )
    cells = (
        Cell(media_title(media), media_url(account_id, media["_id"])),
        Cell(str(media.get("language") or "")[:40]),
        Cell(source_title(media)),
        Cell(size),
        Cell(uses or "—"),
    )
    return Row(cells, media["_id"])
