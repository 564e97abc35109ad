"""The table of an account's users: all of them, or those that a search finds."""

from django.http import HttpRequest

from accounts import listing, users
from couch.database import Document
from desk.kit.tables import Cell, Paging, Row, Table, cut_note, page_request
from desk.users.links import user_url
from desk.users.titles import full_name

_PAGE_SIZE = 50


def user_table(request: HttpRequest, account_id: str) -> Table:
    """The page of users that the query asks for: ``q`` is a search, ``start_key`` a page."""
    text = request.GET.get("q", "").strip()
    requested = page_request(request, _PAGE_SIZE)
    page = users.search(account_id, text, requested) if text else listing.list_users(account_id, requested)
    return Table(
        columns=("User name", "Name", "E-mail", "Role", "Enabled"),
        rows=[_user_row(account_id, doc) for doc in page.entries],
        caption="Users",
        empty="No matching users." if text else "There are no users yet.",
        paging=Paging.of_page(request, page),
        note=cut_note(page, "users"),
        search=text,
        search_help="The beginnings of words of a name, user name or e-mail address, or a user's id.",
        search_parameters=[("account", account_id)],
    )


def _user_row(account_id: str, user: Document) -> Row:
    cells = (
        Cell(str(user.get("username") or user["_id"])[:100], user_url(account_id, user["_id"])),
        Cell(full_name(user)[:100]),
        Cell(str(user.get("email") or "")[:100]),
        Cell("Administrator" if users.is_admin(user) else "User"),
        Cell("Yes" if users.is_enabled(user) else "No"),
    )
    return Row(cells, user["_id"])
