"""The search as pages use it: by the index, and by CouchDB's views where the index doesn't answer for everything."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from couch.errors import CouchError
from search import finding, freshness, without_index
from search.finding import Group, Reach
from search.freshness import Freshness
from search.models import Kind


@dataclass(frozen=True)
class Answer:
    """What a search found, and how old that may be."""

    groups: Sequence[Group]
    freshness: Freshness


def search(text: str, kinds: Sequence[Kind], reach: Reach, limit: int, offset: int = 0) -> Answer:
    """Return what matches a text among some kinds, within reach.

    The views are asked as well while the index isn't complete; what they can't answer in time is left out.
    """
    state = freshness.read()
    groups = finding.find(text, kinds, reach, limit, offset) if state.is_enabled else []
    if not state.is_complete and not offset:
        try:
            groups = _merged(kinds, groups, without_index.find_in_views(text, kinds, reach.account_ids, limit), limit)
        except CouchError:  # the index answers, or nobody does
            if not groups:
                raise
    return Answer(groups, state)


def _merged(kinds: Sequence[Kind], groups: Sequence[Group], further: Sequence[Group], limit: int) -> list[Group]:
    """Groups with the results of others behind their own."""
    by_kind = {group.kind: group for group in groups}
    for group in further:
        own = by_kind.get(group.kind, replace(group, results=[], has_more=False))
        keys = {result.key for result in own.results}
        results = [*own.results, *(result for result in group.results if result.key not in keys)]
        has_more = own.has_more or group.has_more or len(results) > limit
        by_kind[group.kind] = Group(group.kind, results[:limit], has_more)
    return [by_kind[kind] for kind in kinds if kind in by_kind]
