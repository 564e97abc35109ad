"""The columns of mailboxes as CSV: one for each setting of the schema, as exports write them and imports read them.

A cell holds a text, ``yes`` or ``no``, a number, the entries of a list with commas between them, or JSON. An empty
cell leaves the setting as it is, and ``(empty)`` empties it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from crossbar.secret_names import is_secret
from desk.kit.schema_fields import PropertySchema, resolve_reference
from storage import schemas, values
from voicemail.mailboxes import store as mailbox_store

ID, NUMBER, OWNER, PIN = "id", "mailbox", "owner", "pin"
CLEARED = "(empty)"
_FIRST = (NUMBER, "name", OWNER, PIN, "notify_email_addresses", "aliases", "timezone")
_SEPARATORS = re.compile(r"[,;\n]")
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_MAX_DEPTH = 6


@dataclass(frozen=True)
class Column:
    """A column: its name, the path of its setting, what a cell holds, and what the setting is for."""

    name: str
    path: tuple[str, ...]
    kind: str
    """``boolean``, ``integer``, ``text``, ``list``, ``integers``, or ``json``."""
    description: str = ""

    def value_in(self, box: Mapping[str, Any]) -> Any:
        """A mailbox's value of the setting; None if it has none."""
        value: Any = box
        for key in self.path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def format(self, value: Any) -> str:
        """The cell of a value."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if self.kind in ("list", "integers") and isinstance(value, list):
            entries = [values.as_text(entry) for entry in value]
            if all(entry and entry.strip() == entry and not _SEPARATORS.search(entry) for entry in entries):
                return ", ".join(filter(None, entries))
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def parse(self, cell: str) -> Any:
        """The value of a cell that isn't empty, None for ``(empty)``; ValueError with a sentence."""
        if cell == CLEARED:
            return [] if self.kind in ("list", "integers") else None
        if self.kind == "boolean":
            if (value := _WORDS.get(cell.lower())) is None:
                raise ValueError(_("“%(cell)s” is neither yes nor no.") % {"cell": cell[:60]})
            return value
        if self.kind == "integer":
            return _parse_integer(cell)
        if self.kind in ("list", "integers") and not cell.startswith("["):
            entries = [entry.strip() for entry in _SEPARATORS.split(cell) if entry.strip()]
            return [_parse_integer(entry) for entry in entries] if self.kind == "integers" else entries
        if self.kind in ("json", "list", "integers"):
            try:
                return json.loads(cell)
            except ValueError:
                raise ValueError(_("“%(cell)s” is not valid JSON.") % {"cell": cell[:60]}) from None
        return cell


def list_columns() -> list[Column]:
    """All columns: the id, what is needed first, then the others by name. That of the owner has a name of its own."""
    columns = {column.name: column for column in _read_columns(schemas.get(mailbox_store.SCHEMA), (), 0)}
    columns[PIN] = Column(PIN, (PIN,), "text", _("The secret number that opens the mailbox"))
    owner = columns.pop("owner_id", Column(OWNER, ("owner_id",), "text"))
    columns[OWNER] = Column(OWNER, owner.path, "text", _("The owner's user name, e-mail address or id"))
    names = [*(name for name in _FIRST if name in columns), *sorted(columns.keys() - set(_FIRST))]
    return [Column(ID, ("_id",), "text", _("The mailbox's id")), *(columns[name] for name in names)]


def _read_columns(schema: PropertySchema, parents: tuple[str, ...], depth: int) -> Iterator[Column]:
    for key, reference in schema.get("properties", {}).items():
        rules, path = resolve_reference(reference), (*parents, key)
        kind = rules.get("type")
        if is_secret(key) and kind != "boolean":
            continue
        if kind == "object" and rules.get("properties") and depth < _MAX_DEPTH:
            yield from _read_columns(rules, path, depth + 1)
        else:
            yield Column(".".join(path), path, _kind(rules), str(rules.get("description", "")))


def _kind(rules: PropertySchema) -> str:
    kind = rules.get("type")
    if kind in ("boolean", "integer"):
        return str(kind)
    if kind == "array":
        items = resolve_reference(rules.get("items") or {}).get("type")
        return {"string": "list", "integer": "integers"}.get(str(items), "json")
    is_text = kind == "string" or (isinstance(kind, list) and "string" in kind) or "enum" in rules
    return "text" if is_text else "json"


def _parse_integer(cell: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,15}", cell):
        raise ValueError(_("“%(cell)s” is not a whole number.") % {"cell": cell[:60]})
    return int(cell)
