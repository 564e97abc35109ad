"""The tables of an account's mails, and of the templates that they are made of."""

from django.http import HttpRequest
from django.utils.translation import gettext as _

from desk.kit.known_texts import translate
from desk.kit.sorting import Order
from desk.kit.tables import Cell, Column, Paging, Row, Table, page_request, time_cell
from desk.kit.times import heading
from desk.mails.links import mail_url, template_url
from notifications import by_hand, log
from notifications.models import Mail, State
from notifications.store import Place
from notifications.templates import Template
from storage import gregorian

_PAGE_SIZE = 50
_LENGTH = 200
_STYLES = {State.SENT: "state-good", State.FAILED: "state-bad", State.UNCONFIRMED: "state-bad"}


def mail_table(request: HttpRequest, account_id: str) -> Table:
    """The page of an account's mails that the query asks for, the newest first unless it says otherwise."""
    order = Order.of(request, ("time",), Order("time", is_descending=True))
    page = log.list_mails(account_id, page_request(request, _PAGE_SIZE, descending=order.is_descending))
    return Table(
        columns=[
            order.column(request, heading(_("Time")), "time"),
            Column(_("Subject"), "subject"),
            Column(_("To"), "to"),
            Column(_("State"), "state"),
            Column(_("Error"), "error"),
        ],
        rows=[_mail_row(mail) for mail in page.entries],
        caption=_("Mails"),
        empty=_("No mails yet."),
        paging=Paging.of_page(request, page),
    )


def _mail_row(mail: Mail) -> Row:
    cells = (
        time_cell(gregorian.from_datetime(mail.created_at), mail_url(mail.account_id, mail.event_id)),
        Cell((mail.subject or mail.template)[:_LENGTH]),
        Cell(", ".join(mail.recipients)[:_LENGTH]),
        Cell(translate(mail.get_state_display()), style=_STYLES.get(State(mail.state), "")),
        Cell((mail.error or (_("The template is broken") if mail.template_error else ""))[:_LENGTH]),
    )
    return Row(cells, mail.event_id)


def template_table(request: HttpRequest, account_id: str) -> Table:
    """The templates of an account's mails: whose they are, and whether they can be rendered."""
    place = Place(account_id)
    return Table(
        columns=[
            Column(_("Template"), "template"),
            Column(_("Subject"), "subject"),
            Column(_("From"), "from"),
            Column(_("Sent"), "sent"),
            Column(_("Faults"), "faults"),
        ],
        rows=[_template_row(place, template) for template in place.list_all()],
        caption=_("Templates"),
        empty="",
        paging=Paging(),
    )


def _template_row(place: Place, template: Template) -> Row:
    fault = by_hand.fault(place, template.id)
    cells = (
        Cell(template_title(template), template_url(place.account_id or "", template.id)),
        Cell(str(template.members.get("subject") or "")[:_LENGTH]),
        Cell(describe_origin(place, template)),
        Cell(_("Yes") if template.is_enabled else _("No")),
        Cell(fault[:_LENGTH] or _("None"), style="state-bad" if fault else ""),
    )
    return Row(cells, template.id)


def template_title(template: Template) -> str:
    """What people call a template."""
    return translate(str(template.members.get("friendly_name") or template.id))[:_LENGTH]


def describe_origin(place: Place, template: Template) -> str:
    """Whose a template is."""
    if place.has_own(template):
        return _("This account")
    if template.is_own:
        return _("This service")
    return (
        _("The system")
        if template.account_id is None
        else _("Account %(account_id)s") % {"account_id": template.account_id}
    )
