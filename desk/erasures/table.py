"""The list of deletions for good: planned, under way and done."""

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import account_index
from desk.erasures.links import erasure_url
from desk.kit.formats import format_length
from desk.kit.tables import Cell, Filter, Paging, Row, Table
from erasure.models import Erasure
from erasure.planning import ACTIVE, PLANNED

_PAGE_SIZE = 50
State = Erasure.State
_FILTERS = {
    "active": (*PLANNED, *ACTIVE),
    "held": (State.HELD,),
    "done": (State.DONE,),
    "undone": (State.UNDONE, State.CANCELLED),
}


def erasure_table(request: HttpRequest, erasures: "QuerySet[Erasure]") -> Table:
    """The page of the list that the query asks for, of those that the operator may see."""
    chosen, start_key = request.GET.get("state", ""), request.GET.get("start_key", "")
    if chosen in _FILTERS:
        erasures = erasures.filter(state__in=_FILTERS[chosen])
    if account_id := request.GET.get("account", ""):
        erasures = erasures.filter(Q(account_id=account_id))
    if start_key.isdecimal() and len(start_key) < 18:
        erasures = erasures.filter(pk__lte=int(start_key))
    page = list(erasures.select_related("operator")[: _PAGE_SIZE + 1])
    names = account_index.fetch_names(erasure.account_id for erasure in page)
    options = [
        ("", _("All")),
        ("active", _("Under way")),
        ("held", _("Need a decision")),
        ("done", _("Done")),
        ("undone", _("Undone or cancelled")),
    ]
    return Table(
        columns=[_("Planned (UTC)"), _("What"), _("Account"), _("State"), _("Messages"), _("Audio"), _("By")],
        rows=[_erasure_row(erasure, names) for erasure in page[:_PAGE_SIZE]],
        caption=_("Deletions for good"),
        empty=_("Nothing has been deleted for good. The pages of messages, mailboxes, users and accounts offer it."),
        paging=Paging.of(request, str(page[_PAGE_SIZE].pk) if len(page) > _PAGE_SIZE else None),
        filters=[Filter.by_parameter(request, _("state"), "state", options)],
    )


def _erasure_row(erasure: Erasure, names: dict[str, str]) -> Row:
    account = names.get(erasure.account_id, erasure.account_id)
    is_bad = "state-bad" if erasure.state == State.HELD or erasure.problem else ""
    return Row(
        [
            Cell(f"{erasure.created_at:%Y-%m-%d %H:%M}", erasure_url(erasure)),
            Cell(f"{erasure.get_kind_display()} {erasure.document_id[:40]}".strip()),
            Cell(account or _("several")),
            Cell(erasure.get_state_display(), style=is_bad),
            Cell(f"{erasure.messages:,}", style="number"),
            Cell(format_length(erasure.milliseconds), style="number"),
            Cell(str(erasure.operator)),
        ],
        str(erasure.pk),
    )
