"""The users of an account at the desk: found, looked at, created, changed, given a password, removed."""

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import widgets
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import accounts, listing, users
from couch.client import Document
from crossbar.errors import ValidationFailed
from crossbar.filters import Filter
from crossbar.pages import PageRequest
from desk.accounts.pages import crumbs_to
from desk.audit import record as audit
from desk.kit.edit_conflicts import Guard, edit
from desk.kit.forms import admin_form, take_errors
from desk.kit.pages import Crumb, DocumentAdmin, Route, actor
from desk.kit.schema_fields import ChoiceField, fields_of, member, sent
from desk.kit.tables import Cell, Row, Table, query_with
from desk.models import AccountUser
from desk.users import choices as user_choices
from storage import schemas, view_names
from voicemail.mailboxes import listing as mailbox_listing

KIND = "user"
_PAGE = 50
_FIRST = ("username", "password", "first_name", "last_name", "email", "priv_level", "enabled", "timezone", "language")
_PASSWORD = "password"  # noqa: S105 - the name of a member
# What a page must not hold, not even in its form's base.
_NEVER_HERE = frozenset({_PASSWORD, "hotdesk", "pin"})
_LIST = "admin:desk_accountuser_changelist"


@admin.register(AccountUser)
class AccountUserAdmin(DocumentAdmin):
    """The pages of users: of one account, named in the query."""

    def routes(self) -> Iterable[Route]:
        """List, creation, one user, its change, password, removal and history."""
        return (
            Route("", "changelist", self.list, "view_accountuser"),
            Route("<str:account_id>/add/", "add_to", self.add, "add_accountuser"),
            Route("<str:account_id>/<str:user_id>/", "detail", self.detail, "view_accountuser"),
            Route("<str:account_id>/<str:user_id>/change/", "change", self.change, "change_accountuser"),
            Route("<str:account_id>/<str:user_id>/password/", "password", self.password, "change_accountuser"),
            Route("<str:account_id>/<str:user_id>/delete/", "delete", self.remove, "delete_accountuser"),
            Route("<str:account_id>/<str:user_id>/history/", "history", self.told, "view_accountuser"),
        )

    # --- all ---

    def list(self, request: HttpRequest) -> HttpResponse:
        """The users of an account by user name; with a search, those whose names have words that begin so."""
        account_id = request.GET.get("account", "")
        if not account_id:
            messages.info(request, "Choose an account, then its users.")
            return HttpResponseRedirect(reverse("admin:desk_account_changelist"))
        account = accounts.get(account_id)
        text = request.GET.get("q", "").strip()
        following = None
        if text:
            found = users.search(account_id, text)
        else:
            found, following = page_of_users(account_id, request.GET.get("start_key"), _PAGE)
        table = Table(
            columns=("User name", "Name", "E-mail", "May", "Enabled"),
            rows=[_row(account_id, user) for user in found],
            caption="Users",
            search=text,
            search_help="The beginning of a user name, given or family name, or e-mail address; or a user's id.",
            next_query=query_with(request, start_key=following) if following else None,
            is_first="start_key" not in request.GET,
            first_query=query_with(request),
            kept=[("account", account_id)],
            empty="No user is called so." if text else "There are no users yet.",
        )
        can_add = self.allows(request, "add_accountuser")
        tools = [("Add user", reverse("admin:desk_accountuser_add_to", args=[account_id]))] if can_add else []
        crumbs = [*crumbs_to(account), ("Users", None)]
        return self.rendered(request, "desk/kit/list.html", "Users", crumbs, table=table, tools=tools)

    def add(self, request: HttpRequest, account_id: str) -> HttpResponse:
        """A form for a new user, a first password included."""
        account = accounts.get(account_id)
        form = _form(request.POST if request.method == "POST" else None, {}, _password_field(required=False))
        if request.method == "POST" and form.is_valid():
            filled = {key: value for key, value in sent(form).items() if value not in (None, [], {})}
            try:
                user = users.create(account_id, filled, actor(request))
            except ValidationFailed as error:
                take_errors(form, error)
            else:
                self._record(request, "created", account_id, user, after=user)
                messages.success(request, f"The user {user_choices.name_of(user)} was created.")
                return HttpResponseRedirect(_url(account_id, user["_id"]))
        back = f"{reverse(_LIST)}?account={account_id}"
        return self._form_page(request, form, "Add user", [*_to_list(account), ("Add user", None)], back)

    # --- one ---

    def detail(self, request: HttpRequest, account_id: str, user_id: str) -> HttpResponse:
        """A user, and the mailboxes that it owns."""
        account, user = accounts.get(account_id), users.get(account_id, user_id)
        return self.rendered(
            request,
            "desk/users/detail.html",
            user_choices.name_of(user),
            [*_to_list(account), (user_choices.name_of(user), None)],
            account_id=account_id,
            user_id=user_id,
            user_shown=users.serialize(user),
            user_enabled=users.is_enabled(user),
            has_password=any(user.get(key) for key in ("pvt_md5_auth", "pvt_sha1_auth")),
            boxes=mailbox_listing.owned(account_id, user_id),
            can={name: self.allows(request, name) for name in ("change_accountuser", "delete_accountuser")},
            can_see_boxes=self.allows(request, "desk.view_mailbox"),
        )

    def change(self, request: HttpRequest, account_id: str, user_id: str) -> HttpResponse:
        """The user's form; what it doesn't show stays as it is. A new user name takes the password again."""
        account, user = accounts.get(account_id), users.get(account_id, user_id)
        url = _url(account_id, user_id)

        def merge(patch: Document, guard: Guard) -> Document:
            return users.merge(account_id, user_id, patch, actor(request), guard)

        edited = edit(request, user, _NEVER_HERE, _changing_form, merge)
        if edited.changed is None:
            return self.rendered(
                request,
                "desk/kit/edit_form.html",
                f"Change {user_choices.name_of(user)}",
                [*_to(account, user), ("Change", None)],
                adminform=admin_form(edited.form),
                cancel_url=url,
                **edited.context(),
            )
        if edited.has_changes:
            self._record_change(request, "changed", account_id, user, edited.changed)
        messages.success(request, "The user was changed." if edited.has_changes else "Nothing was changed.")
        return HttpResponseRedirect(url)

    def password(self, request: HttpRequest, account_id: str, user_id: str) -> HttpResponse:
        """A new password; only hashes of it are stored, so that nobody can be shown the old one."""
        account, user = accounts.get(account_id), users.get(account_id, user_id)
        form = _made({_PASSWORD: _password_field(required=True)}, request.POST or None, {})
        is_sent = request.method == "POST" and form.is_valid()
        if is_sent and self._has_new_password(request, form, account_id, user):
            messages.success(request, "The user has a new password, and must sign in again.")
            return HttpResponseRedirect(_url(account_id, user_id))
        title = f"Password of {user_choices.name_of(user)}"
        return self._form_page(
            request, form, title, [*_to(account, user), ("Password", None)], _url(account_id, user_id)
        )

    def _has_new_password(self, request: HttpRequest, form: forms.Form, account_id: str, user: Document) -> bool:
        """Give the user the form's password; False when that can't be, for reasons that are in the form then."""
        if not user.get("username"):
            form.add_error(None, "A password takes a user name: give the user one first.")
            return False
        try:
            changed = users.merge(account_id, user["_id"], {_PASSWORD: form.cleaned_data[_PASSWORD]}, actor(request))
        except ValidationFailed as error:
            take_errors(form, error)
            return False
        self._record_change(request, "changed the password of", account_id, user, changed)
        return True

    def remove(self, request: HttpRequest, account_id: str, user_id: str) -> HttpResponse:
        """Remove the user, after asking; its mailboxes stay."""
        account, user = accounts.get(account_id), users.get(account_id, user_id)
        name = user_choices.name_of(user)
        if request.method == "POST":
            removed = users.delete(account_id, user_id, actor(request))
            self._record_change(request, "removed", account_id, user, removed)
            messages.success(request, f"The user {name} was removed.")
            return HttpResponseRedirect(f"{reverse(_LIST)}?account={account_id}")
        owned = len(mailbox_listing.owned(account_id, user_id))
        return self.rendered(
            request,
            "desk/kit/confirm.html",
            f"Remove {name}?",
            [*_to(account, user), ("Remove", None)],
            question=f"The user can't sign in any more, and the user name is free then. "
            f"Mailboxes that the user owns ({owned}) stay as they are, and belong to nobody who is there.",
            submit="Yes, remove the user",
            dangerous=True,
            cancel_url=_url(account_id, user_id),
        )

    def told(self, request: HttpRequest, account_id: str, user_id: str) -> HttpResponse:
        """What was done to the user."""
        account, user = accounts.get(account_id), users.get(account_id, user_id)
        return self.history(request, user_id, user_choices.name_of(user), _to(account, user))

    def _record_change(
        self, request: HttpRequest, action: str, account_id: str, before: Document, after: Document
    ) -> None:
        self._record(request, action, account_id, after, before=before, after=after)

    def _form_page(
        self, request: HttpRequest, form: forms.Form, title: str, crumbs: Iterable[Crumb], cancel_url: str
    ) -> HttpResponse:
        return self.rendered(
            request, "desk/kit/form.html", title, crumbs, form=form, adminform=admin_form(form), cancel_url=cancel_url
        )

    def _record(self, request: HttpRequest, action: str, account_id: str, user: Document, **states: Any) -> None:
        identifiers = {"account_id": account_id, "document_id": user["_id"], "name": user_choices.name_of(user)}
        audit.record(request, action, kind=KIND, **identifiers, **states)


def page_of_users(account_id: str, start_key: str | None, size: int) -> tuple[list[Document], str | None]:
    """A page of an account's users by user name, and where the next one begins."""
    wanted = PageRequest.from_query({"start_key": start_key} if start_key else {}, size, descending=False)
    database = accounts.database_of(account_id)
    page = listing.page(database, view_names.USERS_BY_NAME, wanted, Filter(), lambda doc: doc)
    return [row["doc"] for row in page.entries], page.next_start_key


def _changing_form(posted: Any, user: Mapping[str, Any], typed: Mapping[str, Any]) -> forms.Form:
    """The form of a user that there is, with what was typed earlier over it; a password has to be typed again."""
    again = _password_field(required=False, help_text="Only needed with a new user name. Empty: as it is.")
    return _form(posted, {**user, **typed}, again)


def _form(posted: Any, user: Mapping[str, Any], password: forms.Field) -> forms.Form:
    """The form of a user, made from the schema `users`; `password` is the field of what is never shown."""
    made = fields_of(schemas.schema(users.SCHEMA), frozenset({"id", _PASSWORD})) | {_PASSWORD: password}
    ordered = [*(name for name in _FIRST if name in made), *sorted(name for name in made if name not in _FIRST)]
    return _made({name: made[name] for name in ordered}, posted, user)


def _made(fields: Mapping[str, forms.Field], posted: Any, user: Mapping[str, Any]) -> forms.Form:
    initial = {name: value for name in fields if (value := member(user, name)) is not None and name != _PASSWORD}
    for name, value in initial.items():
        field = fields[name]
        if isinstance(field, ChoiceField):
            field.offer(value)
    form: forms.Form = type("UserForm", (forms.Form,), dict(fields))(posted, initial=initial)
    return form


def _password_field(*, required: bool, help_text: str = "Only hashes of it are kept.") -> forms.Field:
    widget = widgets.AdminTextInputWidget(attrs={"autocomplete": "new-password", "type": "password"})
    return forms.CharField(label="Password", required=required, strip=False, widget=widget, help_text=help_text)


def _row(account_id: str, user: Document) -> Row:
    full = " ".join(str(user.get(part) or "") for part in ("first_name", "last_name")).strip()
    cells = (
        Cell(str(user.get("username") or user["_id"])[:100], _url(account_id, user["_id"])),
        Cell(full[:100]),
        Cell(str(user.get("email") or "")[:100]),
        Cell("administer" if users.is_admin(user) else "use"),
        Cell("Yes" if users.is_enabled(user) else "No"),
    )
    return Row(cells, user["_id"])


def _to_list(account: Document) -> list[Crumb]:
    return [*crumbs_to(account), ("Users", f"{reverse(_LIST)}?account={account['_id']}")]


def _to(account: Document, user: Document) -> list[Crumb]:
    return [*_to_list(account), (user_choices.name_of(user), _url(account["_id"], user["_id"]))]


def _url(account_id: str, user_id: str) -> str:
    return reverse("admin:desk_accountuser_detail", args=[account_id, user_id])
