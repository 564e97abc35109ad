"""Search by words, in views that have a row for each word of a document's names."""

from collections.abc import Callable, Iterable
from typing import Any

from couch.database import Database, Document
from crossbar.pages import Page, PageRequest, RowKey
from storage import folding
from storage.view_names import View

MAX_READ = 2_000
"""A page ends after so many rows, however few of them match."""
_CHUNK = 250
_DEFAULT_SIZE = 100

NamesOf = Callable[[Document], Iterable[object]]
"""The texts of a document whose words its view has."""


def search(
    database: Database,
    view: View,
    text: str,
    request: PageRequest,
    names_of: NamesOf,
    is_listed: Callable[[Document], bool] = lambda doc: True,
) -> Page[Document]:
    """A page of the documents that have, for every word of `text`, a word starting with it; none without a word.

    The rows of the longest word are read, in their order. Raises InvalidStartKey.
    """
    search_words = folding.search_words(text)
    start = request.row_key()
    if not search_words:
        return Page([], None)
    prefix, size = max(sorted(search_words), key=len), request.size or _DEFAULT_SIZE
    options: dict[str, Any] = {"startkey": prefix, "endkey": f"{prefix}\ufff0", "include_docs": True}
    if start is not None:
        options |= {"startkey": start.key, "startkey_docid": start.doc_id}
    entries: list[Document] = []
    for number, row in enumerate(database.stream_view(*view, page=min(size + 1, _CHUNK), **options)):
        if number == MAX_READ:
            return Page(entries, RowKey(row["key"], row["id"]).encode(), is_cut=True)
        doc = row.get("doc")
        if not doc or not _is_first_row(row["key"], prefix, names_of(doc)):
            continue
        if not matches(search_words, names_of(doc)) or not is_listed(doc):
            continue
        if len(entries) == size:
            return Page(entries, RowKey(row["key"], row["id"]).encode())
        entries.append(doc)
    return Page(entries, None)


def matches(search_words: Iterable[str], names: Iterable[object]) -> bool:
    """Whether names have, for every word of a search, a word starting with it."""
    words = folding.words(names)
    return all(any(word.startswith(prefix) for word in words) for prefix in search_words)


def _is_first_row(key: object, prefix: str, names: Iterable[object]) -> bool:
    """Whether a document is listed at this of its rows: a document with several words has several, on any pages."""
    matching_words = {word for word in folding.words(names) if word.startswith(prefix)}
    # Engines that can't normalize leave accents in the keys: CouchDB's order of texts finds them all the same.
    return not matching_words or folding.fold(str(key)) == min(matching_words)
