"""The table of an account's API keys."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import users
from accounts.api_keys import last_use, store
from couch.database import Document
from desk.api_keys.form import describe_scopes
from desk.api_keys.links import key_title, key_url
from desk.kit.sorting import Order, sort_page, text_key
from desk.kit.tables import Cell, Paging, Row, Table, page_request, time_cell
from desk.kit.times import heading
from desk.users.titles import VIEW_USERS, user_title
from storage import gregorian

_PAGE_SIZE = 50
_NEVER = 1 << 62


def key_table(request: HttpRequest, account_id: str) -> Table:
    """The page of the keys of an account and its users that the query asks for; none that is revoked."""
    keys = store.list_keys(account_id)
    uses = last_use.find_uses([store.key_id_of(key) for key in keys])
    owners = {owner_id: owner_title(request, account_id, owner_id) for owner_id in map(store.owner_id_of, keys)}
    titles = {
        "name": _("Name"),
        "owner": _("Owner"),
        "scopes": _("Allowed"),
        "expires": heading(_("Expires")),
        "last_used": heading(_("Last used")),
        "address": _("From"),
    }
    sort_keys: dict[str, Callable[[Document], Any]] = {
        "name": lambda key: text_key(key_title(key)),
        "owner": lambda key: text_key(owners[store.owner_id_of(key)]),
        "expires": lambda key: expires if isinstance(expires := key.get("expires"), int) else _NEVER,
        "last_used": lambda key: use.time if (use := uses.get(store.key_id_of(key))) else 0,
    }
    order = Order.of(request, sort_keys, Order("name"))
    page = sort_page(keys, sort_keys[order.name], order, page_request(request, _PAGE_SIZE))
    return Table(
        columns=order.columns(request, titles, sort_keys),
        rows=[_row(key, owners, uses.get(store.key_id_of(key))) for key in page.entries],
        caption=_("API keys"),
        empty=_(
            "There are no API keys yet. A key lets a program do a part of what its owner may, until it is revoked."
        ),
        paging=Paging.of_page(request, page),
        total=len(keys),
    )


def owner_title(request: HttpRequest, account_id: str, owner_id: str | None) -> str:
    """Whose key it is, in words; the id of a user whom the operator may not see, or who is gone."""
    if owner_id is None:
        return _("the account")
    user = users.find(account_id, owner_id) if request.user.has_perm(VIEW_USERS) else None
    return user_title(user) if user else owner_id[:100]


def _row(key: Document, owners: Mapping[Any, str], use: last_use.Use | None) -> Row:
    expires = key.get("expires")
    is_expired = isinstance(expires, int) and expires <= gregorian.now()
    expiry = Cell(_("expired"), style="state-bad") if is_expired else time_cell(expires, empty=_("never"))
    cells = (
        Cell(key_title(key), key_url(key)),
        Cell(owners[store.owner_id_of(key)]),
        Cell(describe_scopes(key)),
        expiry,
        time_cell(None if use is None else use.time, empty=_("never")),
        Cell("" if use is None else use.address),
    )
    return Row(cells, store.key_id_of(key))
