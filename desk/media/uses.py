"""Which mailboxes and users a media greets callers for, as links."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from desk.kit.formats import format_number
from desk.mailboxes.links import mailbox_url
from desk.mailboxes.titles import mailbox_title
from desk.users.links import user_url
from desk.users.titles import VIEW_USERS, user_title
from media import greetings
from storage import document_types

_MAX_SHOWN = 20
_GREETINGS = {
    greetings.UNAVAILABLE: gettext_lazy("unavailable"),
    greetings.TEMPORARY: gettext_lazy("temporarily unavailable"),
    greetings.NAME: gettext_lazy("recorded name"),
}


@dataclass(frozen=True)
class UseLink:
    """A mailbox or user that uses a media: its title, its page, and for which greeting."""

    title: str
    url: str
    greeting: str

    def __str__(self) -> str:
        return f"{self.title} ({self.greeting})"


def use_links(request: HttpRequest, account_id: str, media_ids: Iterable[str]) -> dict[str, list[UseLink]]:
    """Return who uses some media, by their ids, as far as the operator may see mailboxes and users."""
    links: dict[str, list[UseLink]] = {}
    may_see = {
        document_types.MAILBOX: request.user.has_perm("desk.view_mailbox"),
        document_types.USER: request.user.has_perm(VIEW_USERS),
    }
    for use in greetings.list_uses(account_id, media_ids):
        doc = use.document
        if not may_see[doc["pvt_type"]]:
            continue
        greeting = str(_GREETINGS.get(use.member, _("recorded name")))
        if doc["pvt_type"] == document_types.MAILBOX:
            link = UseLink(mailbox_title(doc), mailbox_url(account_id, doc["_id"]), greeting)
        else:
            link = UseLink(user_title(doc), user_url(account_id, doc["_id"]), greeting)
        links.setdefault(use.media_id, []).append(link)
    return links


def format_uses(links: list[UseLink]) -> str:
    """Some uses in a line."""
    uses = ", ".join(map(str, links[:_MAX_SHOWN]))
    if len(links) <= _MAX_SHOWN:
        return uses
    return _("%(uses)s, and %(count)s more") % {"uses": uses, "count": format_number(len(links) - _MAX_SHOWN)}
