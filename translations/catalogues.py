"""The catalogues: ``.po`` files, which translators edit, and ``.mo`` files, which Django reads."""

import io
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from translations import sources
from translations.sources import Text

LOCALE = Path(__file__).resolve().parent / "locale"
LANGUAGES = ("de", "es")
DOMAINS = {"django": sources.texts_of_pages, "djangojs": sources.texts_of_scripts}
_WIDTH = 118
_NO_TIME = datetime(2026, 1, 1, tzinfo=UTC)
"""Stands in the headers, so that the same translations make the same file."""
_EMPTY_HEADERS = re.compile(
    rb'^"(Project-Id-Version|Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team'
    rb"|Generated-By).*\n",
    re.MULTILINE,
)


def path_of(language: str, domain: str) -> Path:
    """The path of a ``.po`` file."""
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def read(language: str, domain: str) -> Catalog:
    """The catalogue as it is stored; empty if there is none yet."""
    path = path_of(language, domain)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def brought_in_line(stored: Catalog, texts: Iterable[Text]) -> Catalog:
    """A catalogue of the code's texts, with the translations that are stored; empty ones where there are none."""
    language = stored.locale.english_name if stored.locale else ""
    comment = f"# The desk's texts in {language}: docs/translations.md says how to translate."
    catalog = Catalog(stored.locale, fuzzy=False, header_comment=comment)
    for text in sorted(set(texts), key=lambda text: (text.text, text.context or "", text.file)):
        message_id = (text.text, text.plural) if text.plural else text.text
        message = stored.get(text.text, text.context)
        translation = message.string if message and message.id == message_id else None
        catalog.add(
            message_id, translation, locations=[(text.file, 1)], auto_comments=text.notes, context=text.context
        )
    return catalog


def as_po(catalog: Catalog) -> bytes:
    """The text of a ``.po`` file: the same for the same translations, without times and numbers of lines."""
    file = io.BytesIO()
    write_po(file, catalog, width=_WIDTH, sort_output=True, include_lineno=False)
    return _EMPTY_HEADERS.sub(b"", file.getvalue())


def as_mo(catalog: Catalog) -> bytes:
    """The content of a ``.mo`` file."""
    catalog.creation_date = catalog.revision_date = _NO_TIME
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def update() -> int:
    """Bring all catalogues in line with the code, and compile them; return how many translations are missing."""
    missing = 0
    for language in LANGUAGES:
        for domain, texts in DOMAINS.items():
            catalog = brought_in_line(read(language, domain), texts())
            path = path_of(language, domain)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(as_po(catalog))
            path.with_suffix(".mo").write_bytes(as_mo(catalog))
            missing += sum(1 for message in catalog if message.id and not is_translated(message))
    return missing


def is_translated(message: Message) -> bool:
    """Whether a message has a translation, in each form."""
    forms = message.string if isinstance(message.string, list | tuple) else [message.string]
    return all(forms) and not message.fuzzy
