"""Finds entries: grouped by kind, in each group the likeliest first, of messages the latest.

All terms have to match. A term may match the account of an entry in the entry's place: ``4155550123 acme`` finds the
messages of that caller in accounts with acme in their names.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from search import terms
from search.models import Entry, Kind
from search.terms import Likeness, Term

_ID_PART = re.compile(r"[0-9a-f-]{6,}", re.ASCII)
"""What may be from the middle of a message's id, for which all ids have to be looked at."""


@dataclass(frozen=True)
class Reach:
    """What a search may find."""

    account_ids: Collection[str] | None = None
    """The accounts that may be seen; None for all."""
    transcriptions: bool = True
    """Whether words of transcriptions count."""


@dataclass(frozen=True)
class Result:
    """Something that was found, and what it belongs to."""

    kind: Kind
    account_id: str
    account_name: str
    document_id: str
    title: str
    detail: str = ""
    box_id: str = ""
    """The mailbox of a message."""
    box_title: str = ""
    time: int = 0
    """When a message was left, in Gregorian seconds; 0 if nobody knows."""
    is_removed: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same result, wherever it was found."""
        return self.account_id, self.document_id


@dataclass(frozen=True)
class Group:
    """The results of a kind on a page."""

    kind: Kind
    results: Sequence[Result]
    has_more: bool


def find(text: str, kinds: Iterable[Kind], reach: Reach, limit: int, offset: int = 0) -> list[Group]:
    """Return what matches a text within reach, in groups without empty ones."""
    parsed = terms.parse(text)
    if not parsed:
        return []
    groups = [_find_kind(kind, parsed, reach, limit, offset) for kind in kinds]
    return [group for group in groups if group.results]


def _find_kind(kind: Kind, parsed: Sequence[Term], reach: Reach, limit: int, offset: int) -> Group:
    visible = Entry.objects.filter(kind=kind)
    if reach.account_ids is not None:
        visible = visible.filter(account_id__in=reach.account_ids)
    if kind != Kind.ACCOUNT:  # what is left of an account that was deleted isn't shown
        visible = visible.filter(account_id__in=_accounts().values("account_id"))
    order = ("-time",) if kind == Kind.MESSAGE else ("is_removed", "title")
    spoken = kind == Kind.MESSAGE and reach.transcriptions
    conditions = [_condition(kind, parsed, likeness, spoken=spoken) for likeness in Likeness]
    entries = _page(visible.order_by(*order, "id"), conditions, limit, offset)
    if not entries and not offset and kind == Kind.MESSAGE:
        entries = _find_by_part_of_id(visible, parsed, limit)
    return Group(kind, _results(entries[:limit]), len(entries) > limit)


def _condition(kind: Kind, parsed: Sequence[Term], likeness: Likeness, *, spoken: bool) -> Q:
    """What an entry must fulfil: it, or its account, matches each term, and it matches one itself."""
    if kind == Kind.ACCOUNT or len(parsed) == 1:
        return Q(words__fulfils=terms.match_all(parsed, likeness, spoken=spoken))
    condition = Q(words__fulfils=terms.match_any(parsed, likeness, spoken=spoken))
    for term in parsed:
        of_account = _accounts().filter(words__fulfils=term.condition(likeness, spoken=False))
        itself = Q(words__fulfils=term.condition(likeness, spoken=spoken))
        condition &= itself | Q(account_id__in=of_account.values("account_id"))
    return condition


def _accounts() -> "QuerySet[Entry]":
    return Entry.objects.filter(kind=Kind.ACCOUNT)


def _page(entries: "QuerySet[Entry]", conditions: Sequence[Q], limit: int, offset: int) -> list[Entry]:
    """So many entries, and one more if there are more: those that fulfil the first condition, then the next one.

    Each condition includes the ones before. A common word fills the page by the first, which spares the others.
    """
    page: list[Entry] = []
    for number, condition in enumerate(conditions):
        matching = entries.filter(condition)
        if number:
            matching = matching.exclude(conditions[number - 1])
        batch = list(matching.defer("words")[offset : offset + limit + 1 - len(page)])
        offset = 0 if batch or not offset else max(0, offset - matching.count())
        page += batch
        if len(page) > limit:
            break
    return page


def _find_by_part_of_id(visible: "QuerySet[Entry]", parsed: Sequence[Term], limit: int) -> list[Entry]:
    """The messages with a part of an id in the middle of their own, for a text that is one such part."""
    if len(parsed) != 1 or not _ID_PART.fullmatch(parsed[0].text.lower()):
        return []
    return _page(visible.order_by("-time"), [Q(document_id__contains=parsed[0].text.lower())], limit, 0)


def _results(entries: Sequence[Entry]) -> list[Result]:
    account_ids = {entry.account_id for entry in entries}
    names = dict(_accounts().filter(account_id__in=account_ids).values_list("account_id", "title"))
    box_titles = _box_titles(entries)
    return [
        Result(
            kind=Kind(entry.kind),
            account_id=entry.account_id,
            account_name=names.get(entry.account_id, entry.account_id),
            document_id=entry.document_id,
            title=entry.title,
            detail=entry.detail,
            box_id=entry.box_id,
            box_title=box_titles.get((entry.account_id, entry.box_id), ""),
            time=entry.time,
            is_removed=entry.is_removed,
        )
        for entry in entries
    ]


def _box_titles(entries: Sequence[Entry]) -> dict[tuple[str, str], str]:
    boxes = {(entry.account_id, entry.box_id) for entry in entries if entry.box_id}
    rows = Entry.objects.filter(
        kind=Kind.MAILBOX,
        account_id__in={account_id for account_id, _ in boxes},
        document_id__in={box_id for _, box_id in boxes},
    ).values_list("account_id", "document_id", "title")
    return {(account_id, box_id): title for account_id, box_id, title in rows}
