"""The bar at the side: the sections of the desk, and which of them a page is in.

`desk.sections` registers them. `navigation` shows those that an operator may open: the desk's own, those of the
account that the page is about, and those of the system and of the operators.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from desk.scope import scope_of

Text = str | Promise


class Group(Enum):
    """The groups of sections, in the order of the bar, with their headings. An account's is headed by its name."""

    DESK = ""
    ACCOUNT = _("Account")
    SYSTEM = _("System")
    OPERATORS = _("Operators")


@dataclass(frozen=True)
class Section:
    """A section: its link, and the pages that are in it."""

    text: Text
    icon: str
    """A file in ``templates/desk/icons/``, without its suffix."""
    url: Callable[..., str]
    """Returns the URL of its first page; for a section of accounts, of an account's id."""
    views: tuple[str, ...]
    """How the names of its pages' URLs begin. The longest beginning decides which section a page is in."""
    permissions: tuple[str, ...] = ()
    """Whoever has one of these, with their app's labels, may open it; if there are none, everybody."""
    needs_everything: bool = False
    """Whether only operators who see all accounts may open it."""


@dataclass(frozen=True)
class Link:
    """A section as a link in the bar."""

    text: Text
    icon: str
    url: str
    is_current: bool


@dataclass(frozen=True)
class LinkGroup:
    """A group of links under its heading."""

    name: str
    heading: Text
    links: Sequence[Link]


_sections: dict[Group, tuple[Section, ...]] = dict.fromkeys(Group, ())


def register(group: Group, *sections: Section) -> None:
    """Add sections to a group, at its end."""
    _sections[group] += sections


def navigation(request: HttpRequest, crumbs: Iterable[tuple[str, str | None]] = ()) -> list[LinkGroup]:
    """The groups of sections that the operator may open. The account's name is that in the page's breadcrumbs."""
    current = _current_section(request)
    account = _account_of(request, list(crumbs))
    groups = []
    for group in Group:
        if group is Group.ACCOUNT and account is None:
            continue
        ids = [account[0]] if group is Group.ACCOUNT and account else []
        links = [
            Link(section.text, section.icon, section.url(*ids), section is current)
            for section in _sections[group]
            if _may_open(request.user, section)
        ]
        heading = account[1] if group is Group.ACCOUNT and account else group.value
        if links:
            groups.append(LinkGroup(group.name.lower(), heading, links))
    return groups


def _may_open(user: AbstractBaseUser | AnonymousUser, section: Section) -> bool:
    if not isinstance(user, PermissionsMixin):
        return False
    if section.needs_everything and not scope_of(user).is_everything:
        return False
    return not section.permissions or any(map(user.has_perm, section.permissions))


def _current_section(request: HttpRequest) -> Section | None:
    """The section with the longest beginning of the page's name."""
    name = request.resolver_match.url_name if request.resolver_match else None
    sections = chain.from_iterable(_sections.values())
    matches = [
        (len(view), section) for section in sections for view in section.views if name and name.startswith(view)
    ]
    return max(matches, key=lambda match: match[0])[1] if matches else None


def _account_of(request: HttpRequest, crumbs: Sequence[tuple[str, str | None]]) -> tuple[str, str] | None:
    """Id and name of the account that a page is about, from the last breadcrumb of an account's first page."""
    first_page = _sections[Group.ACCOUNT][0].url
    page_ids = _ids_in(request.path) | set(request.GET.getlist("account"))
    for text, url in reversed(crumbs):
        for account_id in _ids_in(url or request.path) & (page_ids or _ids_in(url or request.path)):
            if first_page(account_id) == (url or request.path):
                return account_id, text
    return None


def _ids_in(path: str) -> set[str]:
    """The id of the account in a path, if there is one."""
    try:
        return {resolve(path).kwargs["account_id"]}
    except (Resolver404, KeyError):
        return set()
