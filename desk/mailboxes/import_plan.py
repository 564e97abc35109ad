"""What each line of an imported CSV file would do: create or change a mailbox, or nothing; or what is wrong."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts import listing
from couch.database import Document
from crossbar.csv_renderer import format_cell
from crossbar.pages import PageRequest
from desk.kit.typed_fields import Check, check_email, check_number, check_pin
from desk.mailboxes.columns import CLEARED, ID, NUMBER, OWNER, PIN, Column, list_columns
from desk.mailboxes.csv_export import format_box_cell
from desk.mailboxes.csv_file import CsvFile, Record, UnreadableFile, unquote
from desk.mailboxes.planned_lines import PlannedLine, Rights, plan_line
from voicemail.mailboxes.bulk import Plan

IGNORED = frozenset({"line", "problem"})
"""Columns that lists of errors have, so that a corrected one can be imported."""
_ALIASES = {"number": NUMBER, "owner_id": OWNER}
_CHECKS: Mapping[str, Check] = {
    NUMBER: check_number,
    "aliases": check_number,
    "notify_email_addresses": check_email,
    PIN: check_pin,
}
_FORMULA_STARTS = ("=", "@")


class LineError(Exception):
    """A line can't be imported; the text says why, and what to do."""


@dataclass(frozen=True)
class Owners:
    """The users of an account, by what a cell may name them with."""

    names: Mapping[str, str]
    """User names by ids."""
    ids: Mapping[str, list[str]]
    """Ids by id, user name or e-mail address, in lower case."""

    @classmethod
    def read(cls, account_id: str) -> "Owners":
        """All users of an account."""
        names: dict[str, str] = {}
        ids: dict[str, list[str]] = {}
        for user in listing.list_users(account_id, PageRequest(size=None)).entries:
            keys = {str(user[member]).lower() for member in ("_id", "username", "email") if user.get(member)}
            for key in keys:
                ids.setdefault(key, []).append(user["_id"])
            if user.get("username"):
                names[user["_id"]] = str(user["username"])
        return cls(names, ids)

    def find(self, text: str) -> str:
        """The id of a user; LineError for none, or several."""
        ids = self.ids.get(text.lower(), [])
        if not ids:
            raise LineError(
                _(
                    "owner: no user of this account has the user name, e-mail address or id “%(text)s”. Create the "
                    "user first, or correct the cell."
                )
                % {"text": text[:80]}
            )
        if len(ids) > 1:
            raise LineError(
                _("owner: %(count)s users have “%(text)s”. Write the user name instead.")
                % {"count": len(ids), "text": text[:80]}
            )
        return ids[0]


class Importer:
    """Plans the lines of a file one after the other."""

    def __init__(self, account_id: str, file: CsvFile, rights: Rights) -> None:
        self._columns = _match_columns(file.header, rights)
        self._rights = rights
        self._plan = Plan(account_id)
        self._owners = Owners.read(account_id) if rights.view_users else Owners({}, {})
        self._lines_by_box: dict[str, int] = {}

    def plan(self, record: Record) -> PlannedLine:
        """What a line does."""
        cells = {
            column.name: cell.strip()
            for column, cell in zip(self._columns, record.cells, strict=False)
            if column is not None
        }
        name = (
            unquote(cells.get(NUMBER, ""))
            or unquote(cells.get(ID, ""))
            or (_("line %(line)s") % {"line": record.line})
        )
        try:
            if any(cell.strip() for cell in record.cells[len(self._columns) :]):
                raise LineError(_("The line has more cells than the header. Quote cells that hold the separator."))
            box = self._find_box(cells)
            if box is not None:
                self._require_first(box, record.line)
            patch = self._read_patch(cells, box or {})
        except LineError as error:
            return PlannedLine(record.line, name, problem=str(error))
        line = plan_line(self._plan, record.line, name, box, patch, self._rights, self._describe_line)
        if line.box_id and not line.problem:
            self._lines_by_box[line.box_id] = record.line
        return line

    def _find_box(self, cells: Mapping[str, str]) -> Document | None:
        """The mailbox that a line changes: the one with its id, or with its number; None for a new one."""
        box_id, number = unquote(cells.get(ID, "")), unquote(cells.get(NUMBER, ""))
        if box_id:
            if box := self._plan.find(box_id):
                return box
            raise LineError(
                _("id: this account has no mailbox with the id “%(box_id)s”. Empty the cell to create the mailbox.")
                % {"box_id": box_id[:60]}
            )
        if not number:
            raise LineError(_("mailbox: the number is missing."))
        box = self._plan.find_by_number(number)
        # Another mailbox's further number belongs to nobody else: the plan tells whose it is.
        return box if box is not None and str(box.get("mailbox")) == number else None

    def _require_first(self, box: Document, line: int) -> None:
        if earlier := self._lines_by_box.get(box["_id"]):
            raise LineError(
                _("Line %(earlier)s is about the same mailbox. Keep one of the two lines.") % {"earlier": earlier}
            )
        self._lines_by_box.setdefault(box["_id"], line)

    def _read_patch(self, cells: Mapping[str, str], box: Document) -> Document:
        """The changes of a line, without what the mailbox has already; LineError names all faulty cells."""
        patch: Document = {}
        problems = []
        for column in filter(None, self._columns):
            cell = cells.get(column.name, "")
            if not cell or column.name == ID or cell == format_box_cell(column, box, self._owners.names):
                continue
            try:
                value = self._read_cell(column, cell, column.value_in(box))
            except LineError as error:
                problems.append(str(error))
                continue
            target = patch
            for key in column.path[:-1]:
                target = target.setdefault(key, {})
            target[column.path[-1]] = value
        if problems:
            raise LineError(" ".join(problems))
        return patch

    def _read_cell(self, column: Column, cell: str, stored: Any) -> Any:
        """The value of a cell; LineError."""
        text = unquote(cell)
        if cell.startswith(_FORMULA_STARTS):
            raise LineError(
                _("%(name)s: this begins as a formula does. Write its result, or an apostrophe in front.")
                % {"name": column.name}
            )
        if column.name == OWNER:
            if not self._rights.view_users:
                raise LineError(_("owner: you may not see users, so you can't choose an owner. Empty the cell."))
            return None if text == CLEARED else self._owners.find(text)
        try:
            value = column.parse(text)
        except ValueError as error:
            raise LineError(f"{column.name}: {error}") from None
        check = _CHECKS.get(column.name)
        stored_texts = set(map(str, stored)) if isinstance(stored, list) else {str(stored)}
        for entry in value if isinstance(value, list) else [value]:
            if check is not None and entry is not None and str(entry) not in stored_texts:
                _run_check(column, check, str(entry))
        return value

    def _describe_line(self, box_id: str) -> str | None:
        """The line of the file that creates or changes a mailbox, in words; None if there is none."""
        line = self._lines_by_box.get(box_id)
        return _("line %(line)s of this file") % {"line": line} if line else None


def _run_check(column: Column, check: Check, text: str) -> None:
    try:
        check(text)
    except ValidationError as error:
        hint = ""
        if "E+" in text.upper():
            hint = " " + _("A spreadsheet shortened it: format the column as text.")
        raise LineError(f"{column.name}: {' '.join(error.messages)}{hint}") from None


def _match_columns(header: Sequence[str], rights: Rights) -> list[Column | None]:
    """The column of each name in the header, None for one to ignore; UnreadableFile."""
    columns = {column.name: column for column in list_columns()}
    names = [_ALIASES.get(name.lower(), name.lower()) for name in map(unquote, header)]
    while names and not names[-1]:
        names.pop()
    known = {name.lower(): column for name, column in columns.items()}
    problems = []
    for name, title in zip(names, header, strict=False):
        if name in known or name in IGNORED:
            continue
        similar = difflib.get_close_matches(name, known, 1)
        suggestion = " " + _("Did you mean “%(name)s”?") % {"name": similar[0]} if similar else ""
        problems.append(
            _("There is no column “%(title)s”.") % {"title": title[:60]} + suggestion
            if name
            else _("A column has no name.")
        )
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    problems += [(_("The column “%(name)s” is there twice.") % {"name": name[:60]}) for name in repeated]
    if len(problems) > 3:
        problems = [*problems[:3], _("And %(count)s more. Start from the template.") % {"count": len(problems) - 3}]
    if not problems and not {ID, NUMBER} & set(names):
        problems.append(_("The column “mailbox” is missing: it says which mailbox a line is about."))
    if PIN in names and not rights.see_pin:
        problems.append(_("You may not see or set PINs. Remove the column “pin”."))
    if problems:
        raise UnreadableFile(" ".join(problems))
    return [known.get(name) for name in names]


def cells_without_pin(header: Sequence[str], cells: Sequence[str]) -> list[str]:
    """The cells of a line as they were, safe for spreadsheets, without that of the PIN."""
    return [
        format_cell(unquote(cell))
        for name, cell in zip(header, cells, strict=False)
        if unquote(name).lower() not in {PIN, *IGNORED}
    ]
