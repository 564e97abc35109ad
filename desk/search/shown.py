"""What pages show of results: their titles, links and groups, and which kinds an operator may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch
from django.utils.translation import gettext as _

from desk.accounts.links import account_url
from desk.kit.formats import format_time
from desk.mailboxes.links import mailbox_url
from desk.messages.links import message_url
from desk.users.links import user_url
from search.finding import Group, Result
from search.models import Kind

_PERMISSIONS: Mapping[Kind, str] = {
    Kind.ACCOUNT: "desk.view_account",
    Kind.MAILBOX: "desk.view_mailbox",
    Kind.USER: "desk.view_accountuser",
    Kind.MESSAGE: "desk.view_message",
}


@dataclass(frozen=True)
class ShownResult:
    """A result as pages show it."""

    title: str
    url: str | None
    """None for odd documents, which have no page."""
    detail: str
    account_name: str
    """Empty for an account itself."""
    account_url: str | None
    is_removed: bool

    def as_json(self) -> dict[str, Any]:
        """Return it for the script of the search field."""
        removed = [_("removed")] if self.is_removed else []
        about = [text for text in (self.detail, self.account_name, *removed) if text]
        return {"title": self.title, "about": " · ".join(about), "url": self.url}


@dataclass(frozen=True)
class ShownGroup:
    """The results of a kind."""

    kind: str
    title: str
    results: Sequence[ShownResult]
    has_more: bool


def visible_kinds(user: Any) -> list[Kind]:
    """Return the kinds of results that an operator may see."""
    return [kind for kind, permission in _PERMISSIONS.items() if user.has_perm(permission)]


def shown_group(group: Group, *, links_accounts: bool) -> ShownGroup:
    """Return a group as pages show it; with links to accounts for those who may see these."""
    results = [_shown_result(result, links_accounts=links_accounts) for result in group.results]
    return ShownGroup(str(group.kind), _titles()[group.kind], results, group.has_more)


def _shown_result(result: Result, *, links_accounts: bool) -> ShownResult:
    is_account = result.kind == Kind.ACCOUNT
    return ShownResult(
        title=_result_title(result),
        url=_url(result),
        detail=_detail(result),
        account_name="" if is_account else result.account_name,
        account_url=account_url(result.account_id) if links_accounts and not is_account else None,
        is_removed=result.is_removed,
    )


def _titles() -> Mapping[Kind, str]:
    return {
        Kind.ACCOUNT: _("Accounts"),
        Kind.MAILBOX: _("Mailboxes"),
        Kind.USER: _("Users"),
        Kind.MESSAGE: _("Messages"),
    }


def _result_title(result: Result) -> str:
    if result.kind == Kind.MESSAGE and result.detail and result.detail != result.title:
        return f"{result.title} {result.detail}"
    return result.title or result.document_id


def _detail(result: Result) -> str:
    if result.kind != Kind.MESSAGE:
        return result.detail
    time = format_time(result.time) if result.time else ""
    mailbox = _("mailbox %(title)s") % {"title": result.box_title} if result.box_title else ""
    return " · ".join(filter(None, (time and f"{time} UTC", mailbox)))


def _url(result: Result) -> str | None:
    try:
        match result.kind:
            case Kind.ACCOUNT:
                return account_url(result.account_id)
            case Kind.USER:
                return user_url(result.account_id, result.document_id)
            case Kind.MAILBOX:
                return mailbox_url(result.account_id, result.document_id)
        return message_url(result.account_id, result.box_id, result.document_id)
    except NoReverseMatch:
        return None
