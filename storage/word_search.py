"""Finding documents by the words of their names, in views that have each document under each of its words."""

from couch.client import Database

# So many rows of one word are looked through for the other words.
_LOOKED_THROUGH = 5_000
_LONGEST = 100
"""Views keep so much of a word."""


def ids(database: Database, design: str, view: str, text: str) -> set[str]:
    """The ids of the documents of whose words each word of a text begins one; none for a text without words.

    One request. Of a beginning that very many words share, only the first few thousand are looked through.
    """
    words = {word[:_LONGEST] for word in text.lower().split()}
    ranges = [{"startkey": word, "endkey": f"{word}\ufff0", "limit": _LOOKED_THROUGH} for word in words]
    found = [{row["id"] for row in rows} for rows in database.view_all(design, view, ranges)] if ranges else []
    return set.intersection(*found) if found else set()
