"""The pages that export what is held of a person or an account, streamed as a ZIP."""

from collections.abc import Iterable

from django import forms
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import accounts
from crossbar.conditions import content_disposition
from crossbar.errors import BadIdentifier
from desk.audit import log
from desk.audit.log import Subject as AuditSubject
from desk.erasures.links import describe_subject, erasure_list_url
from desk.kit.pages import DocumentAdmin, Route
from desk.scope import scope_of
from erasure import callers
from erasure.export import subjects
from erasure.export.archive import zip_export
from erasure.export.subjects import Subject
from erasure.models import Erasure

Kind = Erasure.Kind


class ExportForm(forms.Form):
    """Whose data it is."""

    numbers = forms.CharField(
        label=gettext_lazy("Numbers of the caller"),
        max_length=500,
        help_text=gettext_lazy("With commas between them."),
    )
    account = forms.CharField(
        label=gettext_lazy("Account id"),
        required=False,
        max_length=32,
        help_text=gettext_lazy("Without one, all accounts are searched that you may see."),
    )


class ExportPages(DocumentAdmin):
    """The pages of exports."""

    def export_routes(self) -> Iterable[Route]:
        """The pages."""
        yield Route("export/", "export", self.export_data, "erase_for_good")

    def require_covered(self, request: HttpRequest, account_id: str) -> None:
        """Raise BadIdentifier for an account that the operator may not see."""
        if not scope_of(request.user).covers(account_id):
            raise BadIdentifier(account_id)

    def searched_accounts(self, request: HttpRequest, account_id: str) -> list[str] | None:
        """The accounts to look in: the one that is named, or all that the operator may see (None: all)."""
        if account_id:
            self.require_covered(request, account_id)
            accounts.get(account_id)
            return [account_id]
        account_ids = scope_of(request.user).account_ids()
        return None if account_ids is None else sorted(account_ids)

    def export_data(self, request: HttpRequest) -> HttpResponseBase:
        """Ask, then send a ZIP with everything that is held: of a user or an account by id, or of a caller."""
        kind, account_id = request.GET.get("kind", ""), request.GET.get("account", "")
        if kind in (Kind.USER, Kind.ACCOUNT):
            return self._export_document(request, kind, account_id, request.GET.get("id", ""))
        form = ExportForm(request.POST or None, initial={"account": account_id})
        if request.method == "POST" and form.is_valid():
            numbers = [part.strip() for part in form.cleaned_data["numbers"].split(",") if part.strip()]
            try:
                searched = self.searched_accounts(request, form.cleaned_data["account"].strip())
                if not all(map(callers.normalize, numbers)):
                    raise BadIdentifier(form.cleaned_data["numbers"])
                subject = subjects.of_caller(numbers, searched)
            except BadIdentifier:
                form.add_error(None, _("There is no such account, or this is no number."))
            else:
                audit_subject = AuditSubject(
                    "caller", form.cleaned_data["account"].strip(), callers.digest(numbers)[:32], ""
                )
                return self._send(request, subject, audit_subject)
        return self.render_form(
            request,
            form,
            _("Export what is held of a caller"),
            [(_("Deletions for good"), erasure_list_url()), (_("Export"), None)],
            cancel_url=erasure_list_url(),
            submit=_("Download as ZIP"),
        )

    def _export_document(
        self, request: HttpRequest, kind: str, account_id: str, document_id: str
    ) -> HttpResponseBase:
        self.require_covered(request, account_id)
        is_user = kind == Kind.USER
        subject = subjects.of_user(account_id, document_id) if is_user else subjects.of_account(account_id)
        if request.method == "POST":
            return self._send(request, subject, AuditSubject(kind, account_id, document_id or account_id, ""))
        title, _word = describe_subject(kind, account_id, document_id or account_id)
        return self.render_confirmation(
            request,
            _("Export what is held of %(title)s?") % {"title": title},
            [(_("Deletions for good"), erasure_list_url()), (_("Export"), None)],
            question=_(
                "A ZIP with all documents, recordings, mails and recorded actions, for the person who asked for it. "
                "It has no PINs and no passwords. The download is recorded."
            ),
            submit=_("Download as ZIP"),
            cancel_url=erasure_list_url(),
        )

    def _send(self, request: HttpRequest, subject: Subject, audit_subject: AuditSubject) -> StreamingHttpResponse:
        """Send a ZIP, which is recorded."""
        log.record(request, "exported the personal data of", audit_subject)
        response = StreamingHttpResponse(zip_export(subject), content_type="application/zip")
        response.headers["Content-Disposition"] = content_disposition(f"personal-data-{timezone.now():%Y-%m-%d}.zip")
        return response
