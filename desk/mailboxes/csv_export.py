"""Mailboxes of an account as a CSV file in the format that imports read, and the template for new ones."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from accounts import accounts, listing
from crossbar.conditions import content_disposition
from crossbar.csv_renderer import format_cell
from crossbar.pages import PageRequest
from desk.audit import log
from desk.audit.log import Subject
from desk.kit.pages import DocumentAdmin, Route
from desk.mailboxes.columns import ID, OWNER, PIN, Column, list_columns
from desk.users.titles import VIEW_USERS
from voicemail.mailboxes import bulk

_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9.-]")
_ROWS_PER_PIECE = 200
_EXAMPLES = {
    "mailbox": "1001",
    "name": "Ada Lovelace",
    OWNER: "ada",
    PIN: "2468",
    "notify_email_addresses": "ada@example.com, office@example.com",
    "timezone": "Europe/Berlin",
    "transcribe": "yes",
}


class ExportPages(DocumentAdmin):
    """The downloads of an account's mailboxes, and of the template."""

    def export_routes(self) -> Iterable[Route]:
        """The two downloads."""
        yield Route("<str:account_id>/export/", "export", self.export_mailboxes, "view_mailbox")
        yield Route("<str:account_id>/template/", "template", self.send_template, "change_mailbox")

    def export_mailboxes(self, request: HttpRequest, account_id: str) -> HttpResponseBase:
        """All mailboxes as CSV. PINs are in it if they are asked for, which takes the permission, and is recorded."""
        account = accounts.get(account_id)
        with_pins = request.GET.get("pins") == "yes"
        if with_pins:
            self.require_permission(request, "see_pin")
            subject = Subject("account", account_id, account_id, str(account.get("name") or account_id))
            log.record(request, "exported the PINs of", subject)
        columns = [column for column in list_columns() if with_pins or column.name != PIN]
        names = owner_names(account_id) if self.has_permission(request, VIEW_USERS) else {}
        rows = (
            [format_box_cell(column, box, names) for column in columns] for box in bulk.list_documents(account_id)
        )
        realm = _NOT_IN_FILE_NAMES.sub("-", str(account.get("realm") or account_id))[:100]
        name = f"mailboxes-{realm}.csv"
        return _csv_response(name, _stream(columns, rows))

    def send_template(self, request: HttpRequest, account_id: str) -> HttpResponseBase:
        """A CSV file with all columns that may be set, and one line as an example."""
        accounts.get(account_id)
        hidden = {ID} if self.has_permission(request, "see_pin") else {ID, PIN}
        columns = [column for column in list_columns() if column.name not in hidden]
        row = [_EXAMPLES.get(column.name, "") for column in columns]
        return _csv_response("mailboxes-template.csv", _stream(columns, [[format_cell(cell) for cell in row]]))


def owner_names(account_id: str) -> dict[str, str]:
    """The user names of an account's users by their ids, of those who have one."""
    users = listing.list_users(account_id, PageRequest(size=None)).entries
    return {user["_id"]: str(user["username"]) for user in users if user.get("username")}


def format_box_cell(column: Column, box: Mapping[str, Any], names_of_owners: Mapping[str, str]) -> str:
    """The cell of a mailbox, safe for spreadsheets; an owner by user name where it is known."""
    value = column.value_in(box)
    if column.name == OWNER:
        value = names_of_owners.get(str(value), value)
    return format_cell(column.format(value)) if value is not None else ""


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def csv_file_response(name: str, rows: Iterable[Sequence[str]]) -> HttpResponse:
    """A small CSV file to download, with the UTF-8 mark."""
    response = HttpResponse(codecs.BOM_UTF8 + csv_bytes(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition(name)
    return response


def _stream(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    yield codecs.BOM_UTF8
    piece: list[Sequence[str]] = [[column.name for column in columns]]
    for row in rows:
        piece.append(row)
        if len(piece) >= _ROWS_PER_PIECE:
            yield csv_bytes(piece)
            piece = []
    yield csv_bytes(piece)


def _csv_response(name: str, pieces: Iterator[bytes]) -> HttpResponseBase:
    response = StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition(name)
    return response
