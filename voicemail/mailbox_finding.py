"""Finding a mailbox by what somebody types: the beginning of its number or name, or all of its number."""

from typing import Any

from accounts.couch import Document
from crossbar.errors import BadIdentifier
from voicemail import mailboxes, numbers
from voicemail.mailbox_listing import DESIGN, VIEW


def beginning(account_id: str, text: str, most: int = 20) -> list[Document]:
    """Summaries (``id``, ``mailbox``, ``name``) of boxes whose number, alias or name begins with a text.

    A name is found as it is typed, in small letters, in capitals, or capitalised. Those found
    by number come first. Costs three requests, however many boxes there are.
    """
    database = mailboxes.database_of(account_id)
    rows = database.view(numbers.DESIGN, numbers.VIEW, startkey=text, endkey=f"{text}\ufff0", limit=most)
    numbered = database.fetch(row["id"] for row in rows)
    found: dict[str, Document] = {one: _summary(box) for one, box in numbered.items()}
    spellings = dict.fromkeys((text, text.lower(), text.upper(), text.capitalize()))
    ranges: list[dict[str, Any]] = [{"startkey": one, "endkey": f"{one}\ufff0", "limit": most} for one in spellings]
    for named in database.queries(DESIGN, VIEW, ranges):
        for row in named:
            found.setdefault(row["id"], _summary({**row["value"], "_id": row["id"]}))
    return list(found.values())[:most]


def exactly(account_id: str, text: str) -> Document:
    """The box of an account with a number or alias, or else with an id; BadIdentifier for none, or for several."""
    rows = mailboxes.database_of(account_id).view(numbers.DESIGN, numbers.VIEW, key=text, limit=10)
    found = {row["id"] for row in rows}
    if len(found) > 1:
        raise BadIdentifier(text)
    return mailboxes.get(account_id, next(iter(found), text))


def _summary(box: Document) -> Document:
    return {"id": box["_id"], "mailbox": numbers.as_text(box.get("mailbox")), "name": str(box.get("name") or "")}
