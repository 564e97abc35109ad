"""How old the results of a search may be, in words, and what to do if they are too old."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from search.freshness import Freshness

_CURRENT_SECONDS = 2.0


@dataclass(frozen=True)
class Age:
    """A sentence or two about the age of results, and whether somebody has to do something."""

    text: str
    is_good: bool


def describe_age(freshness: Freshness, *, of_system: bool) -> Age:
    """Return what is to be said about the age of results; with what to do for those who see the whole system."""
    if not of_system and not freshness.is_complete:
        text = _("The search index is not up to date.")
    elif not freshness.is_enabled:
        text = _("The search index is switched off (SEARCH_INDEX).")
    elif not freshness.is_begun:
        text = _("The search index was never filled: run “manage.py index_search” on the server.")
    elif not freshness.is_filled:
        text = _(
            "The search index is not complete: %(done)s of %(total)s accounts are in it. "
            "If “manage.py index_search” no longer runs on the server, run it again: it goes on."
        ) % {"done": f"{freshness.accounts_done:,}", "total": f"{freshness.accounts:,}"}
    elif freshness.is_followed:
        return Age(_("As of %(age)s.") % {"age": _age_text(freshness.seconds)}, is_good=True)
    else:
        text = _(
            "As of %(age)s. Changes are followed no longer: start “manage.py follow_changes” on the server. "
            "What changed meanwhile is indexed then."
        ) % {"age": _age_text(freshness.seconds)}
    return Age(f"{text} {_views_text()}", is_good=False)


def _views_text() -> str:
    return _(
        "Until then, accounts are found as they are now. So are users, mailboxes and messages of an account "
        "if you add a word of its name."
    )


def _age_text(seconds: float | None) -> str:
    if seconds is None:
        return _("an unknown time")
    if seconds < _CURRENT_SECONDS:
        return _("now")
    for size, limit in ((1, 120), (60, 7_200), (3_600, 172_800)):
        if seconds < limit:
            return _count_text(round(seconds / size), size)
    return _count_text(round(seconds / 86_400), 86_400)


def _count_text(count: int, unit: int) -> str:
    match unit:
        case 1:
            text = ngettext("%(count)s second ago", "%(count)s seconds ago", count)
        case 60:
            text = ngettext("%(count)s minute ago", "%(count)s minutes ago", count)
        case 3_600:
            text = ngettext("%(count)s hour ago", "%(count)s hours ago", count)
        case _:
            text = ngettext("%(count)s day ago", "%(count)s days ago", count)
    return text % {"count": count}
