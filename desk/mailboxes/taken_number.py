"""The error of a number or alias that a mailbox has already: at its field, and saying which mailbox it is."""

from collections.abc import Sequence

from django import forms
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _

from couch.database import Document
from desk.kit.forms import Explain
from desk.mailboxes.links import mailbox_url
from desk.mailboxes.titles import mailbox_title
from voicemail.mailboxes import search as mailbox_search


def explain_number(request: HttpRequest, form: forms.Form, account_id: str, box_id: str | None) -> Explain:
    """A function for `add_errors` of the form of a mailbox, which has no id yet if it is new."""

    def explain(path: str, message: str, number: str) -> tuple[str, str] | None:
        if path != "mailbox":
            return None
        holders = _other_holders(account_id, number, box_id)
        is_alias = (not holders or number != form.cleaned_data.get("mailbox")) and "aliases" in form.fields
        text = format_html(
            _("{number} already exists. {holder}"),
            number=number,
            holder=_describe(request, account_id, holders),
        )
        return "aliases" if is_alias else "mailbox", text

    return explain


def describe_holder(request: HttpRequest, account_id: str, number: str, box_id: str | None) -> str:
    """A sentence that says which mailbox has a number, if the operator may view mailboxes."""
    return _describe(request, account_id, _other_holders(account_id, number, box_id))


def _other_holders(account_id: str, number: str, box_id: str | None) -> list[Document]:
    return [box for box in mailbox_search.list_holders(account_id, number) if box["_id"] != box_id]


def _describe(request: HttpRequest, account_id: str, boxes: Sequence[Document]) -> str:
    if not boxes:
        return _("This mailbox has it twice.")
    if not request.user.has_perm("desk.view_mailbox"):
        return _("Another mailbox has it.")
    url, title = mailbox_url(account_id, boxes[0]["_id"]), mailbox_title(boxes[0])
    return format_html(
        _("It belongs to the mailbox {mailbox}."), mailbox=format_html('<a href="{}">{}</a>', url, title)
    )
