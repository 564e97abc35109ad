"""The page that shows and changes a mailbox's PIN."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import widgets
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from accounts import accounts
from couch.database import Document
from crossbar.errors import ValidationFailed
from desk.audit import log
from desk.kit.errors import field_errors
from desk.kit.pages import DocumentAdmin, Route, actor
from desk.kit.typed_fields import check_pin
from desk.mailboxes.links import mailbox_crumbs, mailbox_subject, mailbox_url
from desk.mailboxes.titles import mailbox_title
from storage import schemas
from voicemail.mailboxes import store as mailbox_store


class PinPages(DocumentAdmin):
    """The page of a mailbox's PIN."""

    def pin_routes(self) -> Iterable[Route]:
        """The page."""
        yield Route("<str:account_id>/<str:box_id>/pin/", "pin", self.show_or_change_pin, "see_pin")

    def show_or_change_pin(self, request: HttpRequest, account_id: str, box_id: str) -> HttpResponse:
        """Show the PIN when the operator asks for it, or change it. Both are recorded.

        To change it takes the permission to change mailboxes as well.
        """
        account, box = accounts.get(account_id), mailbox_store.get(account_id, box_id)
        is_change = "new" in request.POST
        if is_change:
            self.require_permission(request, "change_mailbox")
        form = _PinForm(request.POST if is_change else None)
        pin = None
        if is_change:
            if form.is_valid() and self._set_pin(request, form, account_id, box):
                messages.success(request, _("The PIN was changed."))
                return HttpResponseRedirect(mailbox_url(account_id, box_id))
        elif request.method == "POST":
            pin = str(box.get("pin") or "")
            log.record(request, "saw the PIN of", mailbox_subject(account_id, box))
        return self.render(
            request,
            "desk/mailboxes/pin.html",
            _("PIN of %(mailbox)s") % {"mailbox": mailbox_title(box)},
            [*mailbox_crumbs(account, box), (_("PIN"), None)],
            pin=pin,
            form=form if self.has_permission(request, "change_mailbox") else None,
            box_url=mailbox_url(account_id, box_id),
        )

    def _set_pin(self, request: HttpRequest, form: forms.Form, account_id: str, box: Document) -> bool:
        """Set the PIN in the form; if that fails, add the error to the form and return False."""
        try:
            patch = {"pin": form.cleaned_data["new"] or None}
            changed = mailbox_store.merge(account_id, box["_id"], patch, actor(request))
        except ValidationFailed as error:
            for _, message, _ in field_errors(error):
                form.add_error("new", message)
            return False
        log.record(request, "changed the PIN of", mailbox_subject(account_id, changed), before=box, after=changed)
        return True


def pin_field(label: str) -> forms.CharField:
    """The field of a PIN, which may be left empty."""
    schema = schemas.get(mailbox_store.SCHEMA)["properties"].get("pin", {})
    shortest, longest = schema.get("minLength"), schema.get("maxLength")
    no_pin = _("Leave it empty for no PIN.")
    limits = _("%(shortest)s to %(longest)s digits.") % {"shortest": shortest, "longest": longest}
    return forms.CharField(
        label=label,
        required=False,
        validators=[check_pin],
        help_text=f"{limits} {no_pin}" if shortest and longest else no_pin,
        widget=widgets.AdminTextInputWidget(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


class _PinForm(forms.Form):
    """A new PIN."""

    def __init__(self, submitted: Any) -> None:
        super().__init__(submitted)
        self.fields["new"] = pin_field(_("New PIN"))
