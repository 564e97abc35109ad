"""The settings of a mailbox on its page, by subject."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from desk.kit.schema_fields import SEPARATOR
from desk.mailboxes.labels import LABELS, object_title
from desk.mailboxes.topics import MAIN_FIELDS, TOPICS

Setting = tuple[str, Any]
"""What the form calls a setting, or else its path in words; and its value in words."""
_SHOWN_APART = frozenset({"id", "owner_id", "pin"})


def list_settings(box: Mapping[str, Any]) -> list[tuple[str, list[Setting]]]:
    """Return the settings of a mailbox, as the API shows them, by subject: titles, the first empty, with settings.

    Its owner and its PIN are not among them.
    """
    values = {path: value for path, value in _flatten(box) if path not in _SHOWN_APART}
    subjects: dict[str, Iterable[str]] = {"": MAIN_FIELDS} | {str(title): paths for title, paths in TOPICS}
    placed_paths = {path for paths in subjects.values() for path in paths}
    remaining: dict[str, list[str]] = {}
    for path in values:
        if path not in placed_paths:
            remaining.setdefault(path.rpartition(SEPARATOR)[0], []).append(path)
    top_level = remaining.pop("", [])
    subjects |= {object_title(path): paths for path, paths in remaining.items()} | {_("Other settings"): top_level}
    groups = [
        (title, [(_label(path), values[path]) for path in paths if path in values])
        for title, paths in subjects.items()
    ]
    return [(title, settings) for title, settings in groups if settings]


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Paths of settings, as the form names its fields, and their values in words."""
    for key, value in settings.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{path}{SEPARATOR}")
        elif isinstance(value, list):
            yield path, ", ".join(map(str, value)) or "—"
        else:
            yield path, {True: _("yes"), False: _("no")}[value] if isinstance(value, bool) else value


def _label(path: str) -> str:
    return str(LABELS.get(path) or path.replace(SEPARATOR, ", ").replace("_", " "))
