"""The form that changes how long an account keeps its messages."""

from collections.abc import Iterable

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import accounts
from desk.accounts.links import account_subject, account_url
from desk.audit import log
from desk.kit.pages import DocumentAdmin, Route, actor
from voicemail.messages import retention


class RetentionForm(forms.Form):
    """The number of days."""

    days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=36_500,
        help_text=gettext_lazy("Leave it empty for the system's default."),
    )


class RetentionPages(DocumentAdmin):
    """What the form on an account's page is sent to."""

    def retention_routes(self) -> Iterable[Route]:
        """The form's URL."""
        yield Route("<str:account_id>/retention/", "retention", self.change_retention, "change_retention")

    def render_account(self, request: HttpRequest, account_id: str, retention_form: RetentionForm) -> HttpResponse:
        """Render the account's page, with this form on it."""
        raise NotImplementedError

    def change_retention(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Change how long the account keeps its messages."""
        account = accounts.get(account_id)
        form = RetentionForm(request.POST)
        if request.method == "POST" and form.is_valid():
            old_days, new_days = retention.account_days(account_id), form.cleaned_data["days"]
            retention.set_account_days(account_id, new_days, actor(request))
            details = {"message_retention_duration": [old_days, new_days]}
            log.record(request, "changed the retention of", account_subject(account), details=details)
            messages.success(
                request, _("Messages are kept for %(days)s days.") % {"days": retention.duration_days(account_id)}
            )
        elif request.method == "POST":
            return self.render_account(request, account_id, form)
        return HttpResponseRedirect(account_url(account_id))
