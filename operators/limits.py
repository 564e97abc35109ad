"""Limits as they are stored and described: the accounts that an operator, or a group's operators, are limited to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _

from desk.models import AccountLimit
from desk.scope import Scope, fetch_names
from operators import trail


def limits_of_operators(operators: Iterable[User]) -> dict[int, list[frozenset[str]]]:
    """Return, by their keys, the limits of those operators that have any: the operator's own, then the groups'."""
    own: dict[int, set[str]] = {}
    groups: dict[int, set[str]] = {}
    ids = [operator.pk for operator in operators if not operator.is_superuser]
    for operator_id, account_id in AccountLimit.objects.filter(operator__in=ids).values_list(
        "operator_id", "account_id"
    ):
        own.setdefault(operator_id, set()).add(account_id)
    rows = AccountLimit.objects.filter(group__user__in=ids).values_list("group__user", "account_id")
    for operator_id, account_id in rows:
        groups.setdefault(operator_id, set()).add(account_id)
    return {
        key: [frozenset(limit[key]) for limit in (own, groups) if key in limit] for key in own.keys() | groups.keys()
    }


def limits_of_groups(groups: Iterable[Group]) -> dict[int, list[frozenset[str]]]:
    """Return, by their keys, the limits of those groups that have any."""
    limits: dict[int, set[str]] = {}
    for group_id, account_id in AccountLimit.objects.filter(group__in=groups).values_list("group_id", "account_id"):
        limits.setdefault(group_id, set()).add(account_id)
    return {key: [frozenset(ids)] for key, ids in limits.items()}


def ids_of_operators_within(scope: Scope) -> list[int]:
    """Return the keys of the operators whose limits a limited operator covers. Raises CouchError."""
    limits = limits_of_operators(User.objects.filter(is_superuser=False))
    return [key for key, operator_limits in limits.items() if Scope(tuple(operator_limits)).is_within(scope)]


def ids_of_groups_beyond(scope: Scope) -> list[int]:
    """Return the keys of the groups with a limit that a limited operator doesn't cover. Raises CouchError."""
    limits = limits_of_groups(Group.objects.all())
    return [key for key, group_limits in limits.items() if not Scope(tuple(group_limits)).is_within(scope)]


def describe_limits(limits: Sequence[Collection[str]], names: Mapping[str, str]) -> str:
    """Return limits in words: the names of their accounts, and whether only what is within a second one counts."""
    texts = [", ".join(sorted((names.get(key, key) for key in limit), key=str.lower)) for limit in limits]
    match texts:
        case []:
            return _("everything")
        case [accounts]:
            return accounts
    return _("%(accounts)s, within %(frame)s") % {"accounts": texts[0], "frame": texts[1]}


def set_limit(request: HttpRequest, account_ids: Collection[str], *, operator: Any = None, group: Any = None) -> None:
    """Limit an operator, or a group, to some accounts, and record it; to none lifts the limit."""
    holder = {"group": group} if operator is None else {"operator": operator}
    stored = set(AccountLimit.objects.filter(**holder).values_list("account_id", flat=True))
    if stored == set(account_ids):
        return
    with transaction.atomic():
        AccountLimit.objects.filter(**holder).exclude(account_id__in=account_ids).delete()
        new_ids = set(account_ids) - stored
        AccountLimit.objects.bulk_create(
            [AccountLimit(account_id=account_id, **holder) for account_id in new_ids], ignore_conflicts=True
        )
        names = fetch_names(stored | set(account_ids))
        with translation.override("en"):  # the audit log is in English
            change = [describe_limits([ids] if ids else [], names) for ids in (stored, account_ids)]
        subject = group.name if operator is None else operator
        trail.record_trail(request, trail.CHANGED_LIMIT, subject, by=request.user, accounts=change)
