"""The pages of an account's users: list, creation, one user, its change, password, removal and history."""

from collections.abc import Iterable
from functools import partial

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts import accounts, users
from couch.database import Document
from crossbar.errors import ValidationFailed
from desk.accounts.links import account_crumbs, redirect_to_accounts
from desk.audit import log
from desk.audit.pages import render_history
from desk.kit.edit_conflicts import Guard, edit
from desk.kit.forms import add_errors, members_from
from desk.kit.notices import undo_button
from desk.kit.pages import DocumentAdmin, Route, actor
from desk.models import AccountUser
from desk.users.form import PASSWORD, SECRETS, change_form, creation_form, fieldsets, password_form
from desk.users.links import user_crumbs, user_list_crumbs, user_list_url, user_subject, user_url
from desk.users.table import user_table
from desk.users.taken_name import describe_holder, explain_name
from desk.users.titles import user_title
from voicemail.mailboxes import listing as mailbox_listing

_BOXES_SHOWN = 100
_USER_PATH = "<str:account_id>/<str:user_id>/"


@admin.register(AccountUser)
class AccountUserAdmin(DocumentAdmin):
    """The pages of users. The list is of one account, which the query names."""

    def routes(self) -> Iterable[Route]:
        """All pages."""
        return (
            Route("", "changelist", self.list_users, "view_accountuser"),
            Route("<str:account_id>/add/", "add_to", self.add_user, "add_accountuser"),
            Route(_USER_PATH, "detail", self.show_user, "view_accountuser"),
            Route(f"{_USER_PATH}change/", "change", self.change_user, "change_accountuser"),
            Route(f"{_USER_PATH}password/", "password", self.change_password, "change_accountuser"),
            Route(f"{_USER_PATH}delete/", "delete", self.remove_user, "delete_accountuser"),
            Route(f"{_USER_PATH}restore/", "restore", self.restore_user, "delete_accountuser"),
            Route(f"{_USER_PATH}history/", "history", self.show_history, "view_accountuser"),
        )

    def list_users(self, request: HttpRequest) -> HttpResponseBase:
        """List the users of an account by user name, or those that a search finds."""
        account_id = request.GET.get("account", "")
        if not account_id:
            return redirect_to_accounts(request, _("Choose an account first, then its users."))
        account = accounts.get(account_id)
        add_url = reverse("admin:desk_accountuser_add_to", args=[account_id])
        return self.render_list(
            request,
            "users",
            _("Users"),
            [*account_crumbs(account), (_("Users"), None)],
            partial(user_table, account_id=account_id),
            account_id=account_id,
            tools=self.tools(request, ("add_accountuser", _("Add user"), add_url)),
        )

    def add_user(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """Show the form of a new user, or create it."""
        account = accounts.get(account_id)
        form = creation_form(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                user = users.create(account_id, members_from(form), actor(request))
            except ValidationFailed as error:
                add_errors(form, error, explain_name(request, account_id))
            else:
                log.record(request, "created", user_subject(account_id, user), after=user)
                messages.success(request, _("The user %(user)s was created.") % {"user": user_title(user)})
                return HttpResponseRedirect(user_url(account_id, user["_id"]))
        crumbs = [*user_list_crumbs(account), (_("Add user"), None)]
        return self.render_form(
            request, form, _("Add user"), crumbs, cancel_url=user_list_url(account_id), fieldsets=fieldsets(form)
        )

    def show_user(self, request: HttpRequest, account_id: str, user_id: str) -> HttpResponse:
        """Show a user, and the mailboxes that the user owns."""
        account, user = accounts.get(account_id), users.get(account_id, user_id)
        boxes = mailbox_listing.list_owned(account_id, user_id, _BOXES_SHOWN + 1)
        return self.render(
            request,
            "desk/users/detail.html",
            user_title(user),
            [*user_list_crumbs(account), (user_title(user), None)],
            account_id=account_id,
            user_id=user_id,
            account_user=users.serialize(user, secrets=False),
            is_admin=users.is_admin(user),
            is_enabled=users.is_enabled(user),
            has_password=users.has_password(user),
            boxes=boxes[:_BOXES_SHOWN],
            has_more_boxes=len(boxes) > _BOXES_SHOWN,
            can=self.permissions(request, "change_accountuser", "delete_accountuser", "view_mailbox", "add_mailbox"),
        )

    def change_user(self, request: HttpRequest, account_id: str, user_id: str) -> HttpResponse:
        """Show the user's form, or change the user. A new user name needs the password again."""
        account, user = accounts.get(account_id), users.get(account_id, user_id)
        url = user_url(account_id, user_id)

        def merge(patch: Document, guard: Guard) -> Document:
            return users.merge(account_id, user_id, patch, actor(request), guard)

        result = edit(request, user, SECRETS, change_form, merge, lambda form: explain_name(request, account_id))
        if result.saved is None:
            crumbs = [*user_crumbs(account, user), (_("Change"), None)]
            return self.render_edit(
                request,
                result,
                _("Change %(user)s") % {"user": user_title(user)},
                crumbs,
                cancel_url=url,
                fieldsets=fieldsets(result.form),
            )
        if result.has_changes:
            subject = user_subject(account_id, result.saved)
            log.record(request, "changed", subject, before=user, after=result.saved)
        messages.success(request, _("The user was changed.") if result.has_changes else _("Nothing was changed."))
        return HttpResponseRedirect(url)

    def change_password(self, request: HttpRequest, account_id: str, user_id: str) -> HttpResponse:
        """Show the form of a new password, or set it. The old one can't be shown: only hashes are stored."""
        account, user = accounts.get(account_id), users.get(account_id, user_id)
        form = password_form(request.POST or None)
        if request.method == "POST" and form.is_valid() and self._set_password(request, form, account_id, user):
            messages.success(request, _("The user has a new password, and must sign in again."))
            return HttpResponseRedirect(user_url(account_id, user_id))
        return self.render_form(
            request,
            form,
            _("Password of %(user)s") % {"user": user_title(user)},
            [*user_crumbs(account, user), (_("Password"), None)],
            cancel_url=user_url(account_id, user_id),
        )

    def _set_password(self, request: HttpRequest, form: forms.Form, account_id: str, user: Document) -> bool:
        """Set the password in the form; if that fails, add the errors to the form and return False."""
        if not user.get("username"):
            form.add_error(None, _("A password needs a user name: give the user one first."))
            return False
        try:
            changed = users.merge(account_id, user["_id"], {PASSWORD: form.cleaned_data[PASSWORD]}, actor(request))
        except ValidationFailed as error:
            add_errors(form, error)
            return False
        subject = user_subject(account_id, changed)
        log.record(request, "changed the password of", subject, before=user, after=changed)
        return True

    def remove_user(self, request: HttpRequest, account_id: str, user_id: str) -> HttpResponse:
        """Ask, then remove the user. The user's mailboxes stay."""
        account, user = accounts.get(account_id), users.get(account_id, user_id)
        if request.method == "POST":
            removed = users.delete(account_id, user_id, actor(request))
            log.record(request, "removed", user_subject(account_id, user), before=user, after=removed)
            undo = undo_button(request, reverse("admin:desk_accountuser_restore", args=[account_id, user_id]))
            messages.success(
                request, format_html(_("The user {user} was removed. {undo}"), user=user_title(user), undo=undo)
            )
            return HttpResponseRedirect(user_list_url(account_id))
        box_count = len(mailbox_listing.find_owned(account_id, user_id))
        return self.render_confirmation(
            request,
            _("Remove %(user)s?") % {"user": user_title(user)},
            [*user_crumbs(account, user), (_("Remove"), None)],
            question=_(
                "The user can't sign in any more, and another user can get the user name. The user's mailboxes "
                "(%(box_count)s) stay as they are, with an owner who no longer exists. The next page offers to "
                "undo it: then the user is as before, as long as nobody else has the user name."
            )
            % {"box_count": box_count},
            submit=_("Yes, remove the user"),
            cancel_url=user_url(account_id, user_id),
            is_dangerous=True,
        )

    def restore_user(self, request: HttpRequest, account_id: str, user_id: str) -> HttpResponse:
        """Restore a user who was removed: what the notice after the removal offers as its undoing."""
        accounts.get(account_id)
        if request.method != "POST":
            return HttpResponseRedirect(user_list_url(account_id))
        try:
            user = users.restore(account_id, user_id, actor(request))
        except ValidationFailed as error:
            username = str(error.data.get("username", {}).get("unique", {}).get("value"))
            holder = describe_holder(request, account_id, username)
            messages.error(request, format_html(_("The user was not restored. {holder}"), holder=holder))
            return HttpResponseRedirect(user_list_url(account_id))
        log.record(request, "restored", user_subject(account_id, user))
        messages.success(request, _("The user %(user)s was restored.") % {"user": user_title(user)})
        return HttpResponseRedirect(user_url(account_id, user_id))

    def show_history(self, request: HttpRequest, account_id: str, user_id: str) -> HttpResponse:
        """Show what was done to the user."""
        account, user = accounts.get(account_id), users.get(account_id, user_id)
        return render_history(self, request, [user_id], user_title(user), user_crumbs(account, user))
