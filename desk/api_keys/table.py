"""The table of an account's API keys."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import users
from accounts.api_keys import last_use, store
from couch.database import Document
from desk.api_keys.form import describe_scopes
from desk.api_keys.links import key_title, key_url
from desk.kit.tables import Cell, Column, Paging, Row, Table, time_cell
from desk.kit.times import heading
from desk.users.titles import user_title
from storage import gregorian


def key_table(request: HttpRequest, account_id: str) -> Table:
    """All keys of an account and its users that are not revoked, by name."""
    keys = store.list_keys(account_id)
    uses = last_use.find_uses([store.key_id_of(key) for key in keys])
    owners = {owner_id: owner_title(account_id, owner_id) for owner_id in {key.get("owner_id") for key in keys}}
    return Table(
        columns=[
            Column(_("Name"), "name"),
            Column(_("Owner"), "owner"),
            Column(_("Allowed"), "scopes"),
            Column(heading(_("Expires")), "expires"),
            Column(heading(_("Last used")), "last_used"),
            Column(_("From"), "address"),
        ],
        rows=[_row(key, owners, uses.get(store.key_id_of(key))) for key in keys],
        caption=_("API keys"),
        empty=_(
            "There are no API keys yet. A key lets a program do a part of what its owner may, until it is revoked."
        ),
        paging=Paging(),
    )


def owner_title(account_id: str, owner_id: Any) -> str:
    """Whose key it is, in words."""
    if not owner_id:
        return _("the account")
    user = users.find(account_id, str(owner_id))
    return user_title(user) if user else str(owner_id)


def _row(key: Document, owners: Mapping[Any, str], use: last_use.Use | None) -> Row:
    expires = key.get("expires")
    is_expired = isinstance(expires, int) and expires <= gregorian.now()
    expiry = Cell(_("expired"), style="state-bad") if is_expired else time_cell(expires, empty=_("never"))
    cells = (
        Cell(key_title(key), key_url(key)),
        Cell(owners[key.get("owner_id")]),
        Cell(describe_scopes(key)),
        expiry,
        time_cell(None if use is None else use.time, empty=_("never")),
        Cell("" if use is None else use.address),
    )
    return Row(cells, store.key_id_of(key))
