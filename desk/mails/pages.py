"""The pages of an account's mails: the log, one mail, sending it again, and the templates with their preview."""

from collections.abc import Iterable
from functools import partial

from csp.decorators import csp_replace
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import accounts
from couch.database import Document
from couch.errors import Conflict
from crossbar.errors import ValidationFailed
from desk.accounts.links import account_crumbs, redirect_to_accounts
from desk.audit import log as audit
from desk.kit.formats import format_time
from desk.kit.known_texts import translate
from desk.kit.pages import DocumentAdmin, Route, actor
from desk.mails.form import revision_of, template_form
from desk.mails.links import (
    mail_list_crumbs,
    mail_list_url,
    mail_subject,
    mail_url,
    template_crumbs,
    templates_url,
)
from desk.mails.table import describe_origin, mail_table, template_table, template_title
from desk.models import Mail
from notifications import by_hand, log, store
from notifications.rendering import BrokenTemplate
from notifications.store import Place
from notifications.templates import HTML
from storage import gregorian

_MAIL_PATH = "<str:account_id>/<str:mail_id>/"
_TEMPLATE_PATH = "<str:account_id>/templates/<str:template_id>/"
_CHANGED = gettext_lazy(
    "Somebody else has changed the template meanwhile. Open it again, and enter your changes there."
)


@admin.register(Mail)
class MailAdmin(DocumentAdmin):
    """The pages of mails. The list is of one account, which the query names."""

    def routes(self) -> Iterable[Route]:
        """All pages; fixed paths come before those with a mail's id."""
        return (
            Route("", "changelist", self.list_mails, "view_mail"),
            Route("<str:account_id>/templates/", "templates", self.list_templates, "view_mail"),
            Route(_TEMPLATE_PATH, "template", self.change_template, "change_mail"),
            Route(f"{_TEMPLATE_PATH}preview/", "preview", self.preview, "change_mail"),
            Route(f"{_TEMPLATE_PATH}delete/", "delete_template", self.delete_template, "change_mail"),
            Route(_MAIL_PATH, "detail", self.show_mail, "view_mail"),
            Route(f"{_MAIL_PATH}send/", "send_again", self.send_again, "send_mail"),
        )

    def list_mails(self, request: HttpRequest) -> HttpResponseBase:
        """List the mails of an account, the newest first."""
        account_id = request.GET.get("account", "")
        if not account_id:
            return redirect_to_accounts(request, _("Choose an account first, then its mails."))
        account = accounts.get(account_id)
        return self.render_list(
            request,
            "mails",
            _("Mails"),
            [*account_crumbs(account), (_("Mails"), None)],
            partial(mail_table, account_id=account_id),
            account_id=account_id,
            tools=self.tools(request, ("view_mail", _("Templates"), templates_url(account_id))),
        )

    def show_mail(self, request: HttpRequest, account_id: str, mail_id: str) -> HttpResponse:
        """Show who gets a mail, and what the mail server said."""
        account, mail = accounts.get(account_id), log.get(account_id, mail_id)
        title = mail.subject or mail.template
        return self.render(
            request,
            "desk/mails/detail.html",
            title,
            [*mail_list_crumbs(account), (title, None)],
            account_id=account_id,
            mail=mail,
            created=format_time(gregorian.from_datetime(mail.created_at)),
            sent=format_time(gregorian.from_datetime(mail.sent_at)) if mail.sent_at else "",
            can_send=self.has_permission(request, "send_mail"),
        )

    def send_again(self, request: HttpRequest, account_id: str, mail_id: str) -> HttpResponse:
        """Ask, then send a mail again."""
        account, mail = accounts.get(account_id), log.get(account_id, mail_id)
        if request.method == "POST":
            new = by_hand.send_again(account_id, mail_id)
            subject = mail_subject(account_id, mail_id, mail.subject or mail.template)
            audit.record(request, "sent again", subject, details={"mail_id": new.event_id})
            messages.success(request, _("The mail is being sent."))
            return HttpResponseRedirect(mail_url(account_id, new.event_id))
        return self.render_confirmation(
            request,
            _("Send the mail again?"),
            [*mail_list_crumbs(account), (_("Send again"), None)],
            question=_(
                "It is made anew, and goes to all who get the mailbox's mails now. Whoever has it already gets "
                "it twice."
            ),
            submit=_("Yes, send it again"),
            cancel_url=mail_url(account_id, mail_id),
        )

    def list_templates(self, request: HttpRequest, account_id: str) -> HttpResponseBase:
        """List the templates that the account's mails are made of."""
        account = accounts.get(account_id)
        return self.render_list(
            request,
            "templates",
            _("Templates"),
            [*mail_list_crumbs(account), (_("Templates"), None)],
            partial(template_table, account_id=account_id),
            account_id=account_id,
            tools=self.tools(request, ("view_mail", _("Mails"), mail_list_url(account_id))),
        )

    def change_template(self, request: HttpRequest, account_id: str, template_id: str) -> HttpResponse:
        """Show a template's form, or change the template."""
        account, place = accounts.get(account_id), Place(account_id)
        template = place.get(template_id)
        form = template_form(request.POST if request.method == "POST" else None, place, template)

        def require_revision(doc: Document) -> None:
            if str(doc.get("_rev") or "") != form.cleaned_data["revision"]:
                raise Conflict(template_id)

        if request.method == "POST" and form.is_valid():
            try:
                guard = require_revision if revision_of(place, template) else None
                if guard is None and form.cleaned_data["revision"]:
                    raise Conflict(template_id)
                members = form.members(template.members)
                changed = store.replace(place, template_id, members, form.texts, actor(request), guard)
            except ValidationFailed as error:
                for path, rules in error.data.items():
                    form.add_error(None, f"{path}: {translate(next(iter(rules.values()))['message'])}")
            except Conflict:
                form.add_error(None, _CHANGED)
            else:
                subject = mail_subject(account_id, template_id, template_title(template))
                audit.record(request, "changed", subject, before=template.members, after=changed.members)
                messages.success(request, _("The template was changed."))
                return HttpResponseRedirect(templates_url(account_id))
        return self.render_form(
            request,
            form,
            template_title(template),
            [*template_crumbs(account), (template_title(template), None)],
            cancel_url=templates_url(account_id),
            template="desk/mails/template.html",
            account_id=account_id,
            template_id=template_id,
            origin=describe_origin(place, template),
            has_own=place.has_own(template),
            fault=by_hand.fault(place, template_id),
            macros=sorted(store.public_template(place, template)["macros"]),
        )

    # A template's HTML has styles of its own. It is shown apart from this site, and nothing in it runs.
    @method_decorator(csp_replace({"style-src": ["'unsafe-inline'"], "sandbox": [""], "form-action": ["'none'"]}))
    def preview(self, request: HttpRequest, account_id: str, template_id: str) -> HttpResponse:
        """Show what a template, as it was entered, makes of a message that doesn't exist."""
        accounts.get(account_id)
        place = Place(account_id)
        form = template_form(request.POST, place, place.get(template_id))
        if request.method != "POST" or not form.is_valid():
            return HttpResponse(_("The form is not complete."), content_type="text/plain", status=400)
        try:
            html = by_hand.render_html(form.texts[HTML])
        except BrokenTemplate as error:
            return HttpResponse(
                _("The template is broken: %(error)s") % {"error": error}, content_type="text/plain", status=400
            )
        return HttpResponse(html)

    def delete_template(self, request: HttpRequest, account_id: str, template_id: str) -> HttpResponse:
        """Ask, then delete the account's own template."""
        account, place = accounts.get(account_id), Place(account_id)
        template = place.get(template_id)
        title = template_title(template)
        if request.method == "POST":
            store.delete(place, template_id)
            subject = mail_subject(account_id, template_id, title)
            audit.record(request, "removed", subject, before=template.members)
            messages.success(request, _("The account's template was removed: the default is used."))
            return HttpResponseRedirect(templates_url(account_id))
        return self.render_confirmation(
            request,
            _("Remove %(title)s?") % {"title": title},
            [*template_crumbs(account), (title, reverse("admin:desk_mail_template", args=[account_id, template_id]))],
            question=_("The default is used again. The texts that the account has are gone."),
            submit=_("Yes, remove the template"),
            cancel_url=templates_url(account_id),
            is_dangerous=True,
        )
