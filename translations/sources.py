"""The texts that the code marks as translatable: in Python, templates and scripts."""

import ast
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from babel.messages.extract import extract
from django.utils.translation.template import templatize

from desk.kit.schema_fields import choice_label, property_label
from migration import report

PROJECT = Path(__file__).resolve().parent.parent
PYTHON_ROOMS = ("audit", "config", "desk", "erasure", "migration", "operators", "overview", "search")
TEMPLATE_FOLDERS = ("config/templates", "desk/templates", "operators/templates")
SCRIPT_FOLDER = "desk/static"
SCHEMAS = (
    *("accounts/schemas/accounts.json", "accounts/schemas/users.json", "media/schemas/media.json"),
    *("webhooks/schemas/webhooks.json", "voicemail/schemas/vmboxes.json", "voicemail/schemas/notify.callback.json"),
)
"""Those of which the desk makes forms."""
_WITH_OWN_LABELS = "voicemail/"
"""Schemas whose properties the desk calls otherwise than they are called there."""

_CONTEXT_AND_TEXT = ((1, "c"), 2)
_KEYWORDS = {
    "_": None,
    **dict.fromkeys(("gettext", "gettext_lazy", "gettext_noop"), None),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), _CONTEXT_AND_TEXT),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
_STRING = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_CALL = re.compile(rf" (n?p?gettext|_)\(((?:\s*u?{_STRING}\s*,?\s*)+)(?:count)?\) ", re.DOTALL)
"""A call as Django's `templatize` writes it in place of a tag."""
_NOTE = "Translators:"


class Text(NamedTuple):
    """A text in English: its context, its plural form, the file that has it, and notes for translators."""

    text: str
    plural: str | None
    context: str | None
    file: str
    notes: tuple[str, ...] = ()


def texts_of_pages() -> Iterator[Text]:
    """The texts of Python, templates, schemas, and of the report of a migration."""
    for room in PYTHON_ROOMS:
        for path in sorted((PROJECT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield from _extract("python", path)
    for folder in TEMPLATE_FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*.html")):
            yield from _texts_of_template(path)
    for name in SCHEMAS:
        schema = json.loads((PROJECT / name).read_text())
        for text in sorted(set(_texts_of_schema(schema, with_labels=not name.startswith(_WITH_OWN_LABELS)))):
            yield Text(text, None, None, name)
    for text in (*report.OUTCOMES.values(), *report.REASONS.values()):
        yield Text(text, None, None, "migration/report.py")


def texts_of_scripts() -> Iterator[Text]:
    """The texts of the scripts that browsers run."""
    for path in sorted((PROJECT / SCRIPT_FOLDER).rglob("*.js")):
        yield from _extract("javascript", path)


def _extract(method: str, path: Path) -> Iterator[Text]:
    file = io.BytesIO(path.read_bytes())
    for _line, message, notes, context in extract(method, file, _KEYWORDS, comment_tags=[_NOTE]):
        text, plural = (message[0], message[1]) if isinstance(message, tuple) else (message, None)
        yield Text(text, plural, context, _call_name(path), tuple(notes))


def _texts_of_template(path: Path) -> Iterator[Text]:
    for function, arguments in _CALL.findall(templatize(path.read_text())):
        values = list(ast.literal_eval(f"({arguments.rstrip().rstrip(',')},)"))
        context = values.pop(0) if "p" in function.removesuffix("gettext") else None
        plural = values[1] if function.startswith("n") else None
        yield Text(values[0], plural, context, _call_name(path))


def _texts_of_schema(schema: dict[str, Any], *, with_labels: bool) -> Iterator[str]:
    """The names, descriptions and choices of a schema's properties, as forms show them."""
    for key, value in schema.get("properties", {}).items():
        if with_labels:
            yield property_label(key)
        if description := value.get("description"):
            yield description
        yield from (choice_label(choice) for choice in value.get("enum", ()) if isinstance(choice, str) and choice)
        yield from _texts_of_schema(value, with_labels=with_labels)


def _call_name(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()
