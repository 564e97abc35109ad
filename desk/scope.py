"""Scope: which accounts an operator may see and work on.

An operator may be limited to some accounts, and so may a group, whose limit is that of its operators. Each account
stands for itself and all accounts below it. An operator with a limit sees only what it covers; one in groups with
limits sees only what one of these covers; with both, only what both cover. Groups without a limit give permissions,
and don't change the scope. Without any limit an operator sees everything, as superusers do.

Whatever shows, changes, counts or exports something of accounts asks `scope_of`. Pages with an account in their path,
or in their query, needn't: `kit.pages` asks for them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from accounts import account_index, accounts
from accounts.account_index import AccountNames
from accounts.auth import cache as auth_cache
from couch.database import Document
from couch.errors import CouchError
from crossbar.errors import BadIdentifier
from desk.models import AccountLimit

_ATTRIBUTE = "desk_scope"


@dataclass(frozen=True)
class Scope:
    """The accounts that an operator may see: those that each of the limits covers, or all if there is no limit."""

    limits: tuple[frozenset[str], ...] = ()
    """Ids of accounts, each of which stands for all below it, too: the operator's own, and those of the groups."""

    @property
    def is_everything(self) -> bool:
        """Whether the operator may see all accounts, and the system itself."""
        return not self.limits

    def covers(self, account_id: str) -> bool:
        """Whether the operator may see an account. A limited one sees none that doesn't exist. Raises CouchError."""
        if self.is_everything:
            return True
        try:
            account = auth_cache.get_account(account_id)
        except BadIdentifier:
            return False
        return self._covers_line([*account.ancestor_ids, account_id])

    def covers_document(self, account: Document) -> bool:
        """Whether the operator may see an account, by its document as it was just read."""
        return self._covers_line([*accounts.ancestor_ids(account), account["_id"]])

    def account_ids(self) -> frozenset[str] | None:
        """Return the ids of all accounts that the operator may see, some seconds old at most; None for everything.

        Raises CouchError.
        """
        names = self.account_names()
        return None if names is None else frozenset(names)

    def account_names(self) -> dict[str, AccountNames] | None:
        """Return the names and realms of these accounts by their ids; None for everything. Raises CouchError."""
        if self.is_everything:
            return None
        names, *others = map(_names_covered, self.limits)
        return {key: names[key] for key in names if all(key in other for other in others)} if others else names

    def top_ids(self) -> list[str]:
        """Return the ids of the limits' accounts that the operator may see and that are below no other of them."""
        ids = {account_id for limit in self.limits for account_id in limit if self.covers(account_id)}
        return sorted(
            account_id
            for account_id in ids
            if not {*auth_cache.get_account(account_id).ancestor_ids} & (ids - {account_id})
        )

    def visible_ancestor_ids(self, account: Document) -> list[str]:
        """Return the ids of an account's ancestors that the operator may see, the topmost first."""
        ids = accounts.ancestor_ids(account)
        return [account_id for depth, account_id in enumerate(ids, 1) if self._covers_line(ids[:depth])]

    def is_within(self, other: "Scope") -> bool:
        """Whether another scope covers every account that this one names. Raises CouchError."""
        if other.is_everything:
            return True
        return not self.is_everything and all(
            other.covers(account_id) for limit in self.limits for account_id in limit
        )

    def _covers_line(self, account_ids: Sequence[str]) -> bool:
        """Whether the last one of some accounts, each of which is the parent of the next, is covered."""
        return all(
            any(account_id in limit and _is_live(account_id) for account_id in account_ids) for limit in self.limits
        )


EVERYTHING, NOTHING = Scope(), Scope((frozenset(),))


def scope_of(user: Any) -> Scope:
    """Return an operator's scope. It is read once for each user that Django loads, which is once a request."""
    scope: Scope | None = getattr(user, _ATTRIBUTE, None)
    if scope is None:
        scope = stored_scope(user) if user.is_authenticated and user.is_active else NOTHING
        setattr(user, _ATTRIBUTE, scope)
    return scope


def stored_scope(user: Any) -> Scope:
    """Return the scope that an operator has as soon as it is active."""
    if user.is_superuser:
        return EVERYTHING
    rows = AccountLimit.objects.filter(Q(operator_id=user.pk) | Q(group__user=user.pk))
    own_ids: set[str] = set()
    group_ids: set[str] = set()
    for account_id, group_id in rows.values_list("account_id", "group_id"):
        (own_ids if group_id is None else group_ids).add(account_id)
    return scope_from(own_ids, group_ids)


def scope_from(own_ids: Iterable[str], group_ids: Iterable[str]) -> Scope:
    """Return the scope of who has a limit to some accounts, and groups with limits to others; none means no limit."""
    return Scope(tuple(limit for limit in (frozenset(own_ids), frozenset(group_ids)) if limit))


def fetch_names(account_ids: Iterable[str]) -> dict[str, str]:
    """Return the names of accounts by their ids, or the ids in their place while CouchDB is away."""
    ids = list(account_ids)
    try:
        return account_index.fetch_names(ids)
    except CouchError:
        return {account_id: account_id for account_id in ids}


def _names_covered(limit: frozenset[str]) -> dict[str, AccountNames]:
    top_accounts = account_index.fetch_live(filter(_is_live, limit))
    names = {account["_id"]: AccountNames.of(account) for account in top_accounts}
    for account in top_accounts:
        names |= account_index.names_below(account["_id"])
    return names


def _is_live(account_id: str) -> bool:
    try:
        auth_cache.get_account(account_id)
    except BadIdentifier:
        return False
    return True
