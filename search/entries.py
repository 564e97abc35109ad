"""What is indexed of a document: by which words it is found, and what is shown of it.

Words are those of `storage.folding`. Of names and numbers the index also has the ends, from three letters or digits
on, so that ``555`` finds ``+1 415 555 0123``. Words of transcriptions are marked: not everybody may read them. There
are no PINs, passwords or keys among them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from accounts import accounts
from couch.database import Document
from search.models import ID_LENGTH, TITLE_LENGTH, Entry, Kind
from search.terms import INSIDE, MAX_WORD_LENGTH, SHORTEST_INSIDE, SPOKEN, clean_word
from storage import database_names, document_types, folding, private_fields, values
from voicemail.mailboxes import numbers
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import deletion, metadata
from voicemail.messages.transcription import transcription_text

_MAX_WORDS = 3_000
_MAX_INSIDE = 40
"""Letters of a word, or digits of a number, of whose ends the index has words."""
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_MAX_TIME = 1 << 62


def entry_of(account_id: str, month: str | None, doc: Document) -> Entry | None:
    """Return the entry of a document of an account's database, or of its MODb of a month; None if it has none.

    Soft-deleted users and accounts have none, nor have messages that were moved away: they are found where they are.
    """
    make = _MAKERS.get(str(doc.get("pvt_type")))
    if make is None or doc.get("_deleted") or not is_storable_id(doc["_id"]):
        return None
    if database_names.month_of_message(doc["_id"]) != month:
        return None
    entry = make(doc)
    if entry is None or (month is not None) != (entry.kind == Kind.MESSAGE):
        return None
    entry.account_id, entry.document_id = account_id, doc["_id"]
    entry.is_removed = not private_fields.is_live(doc)
    entry.title, entry.detail = _storable(entry.title) or doc["_id"], _storable(entry.detail)
    return entry


def is_storable_id(doc_id: object) -> bool:
    """Whether an odd document's id can be in the index."""
    return isinstance(doc_id, str) and 0 < len(doc_id) <= ID_LENGTH and not _NOT_STORABLE.search(doc_id)


def _account(doc: Document) -> Entry | None:
    if not accounts.is_live(doc):
        return None
    name, realm = _text_of(doc.get("name")), _text_of(doc.get("realm"))
    return Entry(
        kind=Kind.ACCOUNT, title=name, detail=realm, words=_join_words(_name_words(name, realm), _words(doc["_id"]))
    )


def _user(doc: Document) -> Entry | None:
    if not private_fields.is_live(doc):
        return None
    username, email = _text_of(doc.get("username")), _text_of(doc.get("email"))
    name = " ".join(filter(None, (_text_of(doc.get("first_name")), _text_of(doc.get("last_name")))))
    title = f"{name} ({username})" if name and username else name or username
    words = _join_words(_name_words(name, username, email), _words(doc["_id"]))
    return Entry(kind=Kind.USER, title=title, detail=email, words=words)


def _mailbox_entry(doc: Document) -> Entry:
    number, name = mailbox_store.number(doc), _text_of(doc.get("name"))
    own_numbers = numbers.of(doc)
    words = _join_words(*map(_number_words, sorted(own_numbers)), _name_words(name), _words(doc["_id"]))
    aliases = ", ".join(sorted(own_numbers - {number}))
    return Entry(kind=Kind.MAILBOX, title=f"{number} {name}".strip(), detail=aliases, words=words)


def _message_entry(doc: Document) -> Entry | None:
    box_id, members = doc.get("source_id"), metadata.of(doc)
    if not isinstance(box_id, str) or not is_storable_id(box_id) or deletion.MOVED_TO in doc:
        return None
    number, name = values.as_text(members.get("caller_id_number")) or "", _text_of(members.get("caller_id_name"))
    sender = _text_of(members.get("from")).partition("@")[0]
    spoken = transcription_text(doc.get("transcription"))
    words = _join_words(
        _number_words(number),
        _number_words(sender) if sender != number else (),
        _name_words(name),
        _words(doc["_id"], members.get("call_id")),
        (SPOKEN + word for word in _words(*spoken.split())),
    )
    time = metadata.timestamp(doc) or 0
    return Entry(
        kind=Kind.MESSAGE,
        box_id=box_id,
        time=max(-_MAX_TIME, min(time, _MAX_TIME)),
        title=name or number,
        detail=number,
        words=words,
    )


_MAKERS: dict[str, Callable[[Document], Entry | None]] = {
    document_types.ACCOUNT: _account,
    document_types.USER: _user,
    document_types.MAILBOX: _mailbox_entry,
    document_types.MESSAGE: _message_entry,
}


def _words(*texts: object) -> Iterable[str]:
    """The words of texts, in no order."""
    return filter(None, map(clean_word, folding.words(texts)))


def _name_words(*texts: str) -> Iterator[str]:
    """The words of names, and their ends."""
    for word in _words(*texts):
        yield word
        yield from _ends(word)


def _number_words(text: str) -> Iterator[str]:
    """The digits of a number as it is, without zeros in front, and its ends; of any other text, its words."""
    digits = folding.telephone_digits(text)
    if digits is None:
        yield from _name_words(text)
        return
    yield digits[:MAX_WORD_LENGTH]
    if digits.lstrip("0"):
        yield digits.lstrip("0")[:MAX_WORD_LENGTH]
    yield from _ends(digits)


def _ends(word: str) -> Iterator[str]:
    short = word[:_MAX_INSIDE]
    return (INSIDE + short[start:] for start in range(1, len(short) - SHORTEST_INSIDE + 1))


def _join_words(*groups: Iterable[str]) -> str:
    """The distinct words of groups, with a blank between them."""
    words = dict.fromkeys(word for group in groups for word in group)
    return " ".join(list(words)[:_MAX_WORDS])


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _storable(text: str) -> str:
    """A text on one line that any database stores, shortened."""
    return " ".join(_NOT_STORABLE.sub("", text[: 4 * TITLE_LENGTH]).split())[:TITLE_LENGTH]
