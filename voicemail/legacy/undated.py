"""Messages whose time neither their entry nor their media document tells: who comes again must find them.

Their month is that of the box's time, which changes where it is the time of its last change, or of the clock. So a
repeat looks for them in all months, before it gives them another one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from couch.client import Document, couch
from storage import database_names
from voicemail.legacy import entries
from voicemail.legacy.documents import PREVIOUS_ID


def stored(account_id: str, box_id: str, media_ids: Iterable[str]) -> dict[str, Document]:
    """The messages that entries of a box have become already, removed ones too, by their media ids.

    One request a month; nothing is added to MODbs, as opening one in earnest may.
    """
    wanted = list(dict.fromkeys(media_ids))
    found: dict[str, Document] = {}
    for name in couch().names(database_names.account_db(account_id) + "-") if wanted else []:
        owner = database_names.split(name)
        if owner is None or owner.month is None:
            continue
        ids = {one: _ids(owner.month, one, box_id) for one in wanted}
        docs = couch().database(name).fetch(each for some in ids.values() for each in some)
        for media_id, some in ids.items():
            ours = (docs[each] for each in some if each in docs and is_of(docs[each], box_id, media_id))
            if doc := next(ours, None):
                found.setdefault(media_id, doc)
    return found


def is_of(doc: Mapping[str, Any], box_id: object, media_id: str) -> bool:
    """Whether a stored message is what a box's entry became; it may have gone on to another box under its id."""
    if doc.get(PREVIOUS_ID, media_id) != media_id:
        return False
    history = doc.get("history")
    been = history if isinstance(history, list) else []
    return doc.get("source_id") == box_id or box_id in been


def _ids(month: str, media_id: str, box_id: str) -> tuple[str, str]:
    return entries.message_id(month, media_id), entries.other_message_id(month, media_id, box_id)
