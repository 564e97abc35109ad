"""Search by words, in views that have a row for each word of a document's names."""

from couch.client import Database
from storage.view_names import View

_MAX_WORD_LENGTH = 100
"""The views cut words off here (couch_views/shared/words.js)."""
_MAX_ROWS = 5_000


def find_ids(database: Database, view: View, text: str) -> set[str]:
    """Return the ids of documents that have, for every word of `text`, a word starting with it; none without a word.

    Costs one request. Reads the first 5,000 rows of each word: a search by starts that more documents have may
    miss some.
    """
    prefixes = {word[:_MAX_WORD_LENGTH] for word in text.lower().split()}
    queries = [{"startkey": prefix, "endkey": f"{prefix}\ufff0", "limit": _MAX_ROWS} for prefix in prefixes]
    matches = [{row["id"] for row in rows} for rows in database.view_all(*view, queries)]
    return set.intersection(*matches) if matches else set()
