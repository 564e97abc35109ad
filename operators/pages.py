"""The pages of the desk's own users, the operators.

An operator can't give anybody permissions that the operator lacks, nor a wider scope. Who is limited to some accounts
sees the operators who are limited to these or to accounts below them, and no groups. Operators with entries in the
audit log stay.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import ManyToManyField, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from desk.kit.pages import explain_errors
from desk.models import AccountLimit, AuditEntry, GroupAccess
from desk.scope import fetch_names, scope_of, stored_scope
from operators import limits, second_factor, sessions, trail
from operators.forms import LIMIT, GroupForm, OperatorForm

_SUPERUSER_FIELDS = ("is_superuser", "user_permissions")
_DATES = ("last_login", "date_joined")
_ACCESS_FIELDS = ("session_list", "second_factor")
_SCOPE_FIELDS = ("groups", LIMIT)
_LIMIT_TEXT = "limit_text"
"""The attribute of an operator or group in a list that says what it is limited to."""

admin.site.unregister([User, Group])


@admin.register(User)
class OperatorAdmin(UserAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Django's pages of users, with limits for operators who aren't superusers.

    They can change operators who have no more permissions than themselves, and no wider scope, and give groups that
    have no more.
    """

    form = OperatorForm
    actions = ("deactivate",)
    list_display = (
        *("username", "first_name", "last_name", LIMIT),
        *("is_active", "is_staff", "is_superuser", "last_login"),
    )

    @explain_errors
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the operators."""
        return super().changelist_view(request, extra_context)

    @explain_errors
    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        """Show the form of an operator, or store it."""
        return super().changeform_view(request, *args, **options)

    @explain_errors
    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show what was done to an operator."""
        return super().history_view(request, object_id, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """The operators, for one who is limited only those within these limits."""
        users, scope = super().get_queryset(request), scope_of(request.user)
        if scope.is_everything:
            return users
        return users.filter(pk__in=[request.user.pk, *limits.ids_of_operators_within(scope)])

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Django's filters. That of groups names all of them."""
        filters = super().get_list_filter(request)
        is_limited = not scope_of(request.user).is_everything
        return [name for name in filters if name != "groups"] if is_limited else filters

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, whose operators say what they are limited to."""
        changelist = super().get_changelist_instance(request)
        _describe_limits(changelist.result_list, limits.limits_of_operators(changelist.result_list))
        return changelist

    @admin.display(description=gettext_lazy("accounts"))
    def accounts(self, user: User) -> str:
        """What the operator is limited to."""
        if not hasattr(user, _LIMIT_TEXT):
            _describe_limits([user], limits.limits_of_operators([user]))
        return str(getattr(user, _LIMIT_TEXT))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows the scope of who fills it in."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"editor_scope": scope_of(request.user)})

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Store the operator with its limit. One that a limited operator adds has the same accounts at first."""
        scope = scope_of(request.user)
        account_ids = scope.top_ids() if not change else form.cleaned_data.get(LIMIT)
        if not change and not account_ids and not scope.is_everything:
            raise PermissionDenied  # who sees no account can limit nobody to one
        super().save_model(request, obj, form, change)
        if account_ids is not None:
            limits.set_limit(request, account_ids, operator=obj)

    @admin.action(description=gettext_lazy("Deactivate selected users"), permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End the access of those whom the operator may change, except of the operator."""
        count = 0
        for user in queryset:
            if user == request.user or not self.has_change_permission(request, user):
                messages.error(request, _("You may not deactivate %(user)s.") % {"user": user})
                continue
            user.is_active = False
            user.save(update_fields=["is_active"])
            self.log_change(request, user, [{"changed": {"fields": ["Active"]}}])
            count += 1
        if count:
            text = ngettext("Deactivated %(count)s operator.", "Deactivated %(count)s operators.", count)
            messages.success(request, text % {"count": count})

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's actions, without the deletion of several users at once."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may change users, and this one."""
        return super().has_change_permission(request, obj) and _has_no_more_rights(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may delete users, and this one."""
        return super().has_delete_permission(request, obj) and _has_no_more_rights(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Django's read-only fields, those that only superusers change, and what limits the operator."""
        names = (*super().get_readonly_fields(request, obj), *_ACCESS_FIELDS, *_DATES)
        if obj == request.user and not scope_of(request.user).is_everything:
            names = (*names, *_SCOPE_FIELDS)
        return names if request.user.is_superuser else (*names, *_SUPERUSER_FIELDS)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Django's groups of fields, and for superusers what an operator signs in with."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            personal, *others = fieldsets[1:]
            fieldsets = (fieldsets[0], personal, (_("Accounts"), {"fields": (LIMIT,)}), *others)
        is_for_superuser = obj is not None and request.user.is_superuser
        return (*fieldsets, (_("Signing in"), {"fields": _ACCESS_FIELDS})) if is_for_superuser else fieldsets

    @admin.display(description=gettext_lazy("sessions"))
    def session_list(self, user: User) -> SafeString:
        """A link to the operator's sessions."""
        count = len(sessions.list_of(user))
        return format_html('<a href="{}">{}</a>', reverse("colleague_sessions", args=[user.pk]), count)

    @admin.display(description=gettext_lazy("second factor"))
    def second_factor(self, user: User) -> SafeString | str:
        """Whether there is one, with a link that resets it."""
        if not second_factor.is_set_up(user):
            return _("none, and a group requires it") if second_factor.is_required(user) else _("none")
        url = reverse("reset_second_factor", args=[user.pk])
        return format_html('{}. <a href="{}">{}</a>', _("an authenticator app"), url, _("Reset it"))

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelMultipleChoiceField[Any] | None":
        """Offer only the groups that the operator may give."""
        if db_field.name == "groups":
            kwargs["queryset"] = _groups_to_give(request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @explain_errors
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set an operator's password: superusers anybody's, others only their own.

        Whoever sets a colleague's password can act in the colleague's name, also in the audit log.
        """
        if not request.user.is_superuser and str(request.user.pk) != id:
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    @explain_errors
    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Refuse to delete an operator with entries in the audit log."""
        user = self.get_object(request, object_id)
        if user is not None and AuditEntry.objects.filter(operator=user).exists():
            text = _("%(user)s has entries in the audit log and can't be deleted. Clear “Active” to end all access.")
            messages.error(request, text % {"user": user})
            return HttpResponseRedirect(reverse("admin:auth_user_change", args=[user.pk]))
        return super().delete_view(request, object_id, extra_context)


@admin.register(Group)
class OperatorGroupAdmin(GroupAdmin):
    """Django's pages of groups, with what signing in takes, and the accounts that their operators are limited to.

    They are for operators who see everything: a group may be of anybody's operators.
    """

    form = GroupForm
    fields = ("name", LIMIT, "needs_second_factor", "permissions")
    list_display = ("name", LIMIT)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The list, whose groups say what they are limited to."""
        changelist = super().get_changelist_instance(request)
        _describe_limits(changelist.result_list, limits.limits_of_groups(changelist.result_list))
        return changelist

    @admin.display(description=gettext_lazy("accounts"))
    def accounts(self, group: Group) -> str:
        """What the group's operators are limited to."""
        return str(getattr(group, _LIMIT_TEXT, ""))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's actions, without the deletion of several groups at once."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Refuse to delete a group that limits operators: they would see more without it."""
        group = self.get_object(request, object_id)
        if group is not None and AccountLimit.objects.filter(group=group).exists() and group.user_set.exists():
            messages.error(
                request, _("%(group)s limits what its operators see. Take them out of it first.") % {"group": group}
            )
            return HttpResponseRedirect(reverse("admin:auth_group_change", args=[group.pk]))
        return super().delete_view(request, object_id, extra_context)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may view groups."""
        return super().has_view_permission(request, obj) and scope_of(request.user).is_everything

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether the operator may add groups."""
        return super().has_add_permission(request) and scope_of(request.user).is_everything

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may change groups."""
        return super().has_change_permission(request, obj) and scope_of(request.user).is_everything

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may delete groups."""
        return super().has_delete_permission(request, obj) and scope_of(request.user).is_everything

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        """Store the group with its limit, and record who changed what signing in takes."""
        super().save_model(request, obj, form, change)
        limits.set_limit(request, form.cleaned_data[LIMIT], group=obj)
        if "needs_second_factor" in form.changed_data:
            value = form.cleaned_data["needs_second_factor"]
            GroupAccess.objects.update_or_create(group=obj, defaults={"needs_second_factor": value})
            trail.record_trail(request, trail.CHANGED_GROUP, obj.name, by=request.user, needs_second_factor=value)


def _describe_limits(holders: Any, limits_of_holders: Mapping[int, Sequence[frozenset[str]]]) -> None:
    """Note on operators or groups what they are limited to. The names of all accounts are fetched at once."""
    all_limits = [limit for holder_limits in limits_of_holders.values() for limit in holder_limits]
    names = fetch_names(frozenset().union(*all_limits))
    for holder in holders:
        setattr(holder, _LIMIT_TEXT, limits.describe_limits(limits_of_holders.get(holder.pk, ()), names))


def _has_no_more_rights(request: HttpRequest, user: Any) -> bool:
    """Whether a user has no permission that the operator lacks, and no wider scope."""
    operator = request.user
    if user is None or operator.is_superuser:
        return True
    if user != operator and not stored_scope(user).is_within(scope_of(operator)):
        return False
    # An inactive user's permissions count, too: whoever may change the user may make it active again.
    permissions = {_full_name(permission) for permission in _permissions_of(user)}
    return not user.is_superuser and permissions <= operator.get_all_permissions()


def _permissions_of(user: Any) -> "QuerySet[Permission]":
    own, from_groups = Permission.objects.filter(user=user), Permission.objects.filter(group__user=user)
    return (own | from_groups).select_related("content_type").distinct()


def _groups_to_give(request: HttpRequest) -> "QuerySet[Group]":
    """The groups without permissions that the operator lacks, and without limits beyond the operator's."""
    if request.user.is_superuser:
        return Group.objects.all()
    scope = scope_of(request.user)
    groups = Group.objects.all()
    if not scope.is_everything:
        groups = groups.exclude(pk__in=limits.ids_of_groups_beyond(scope))
    operator_permissions = request.user.get_all_permissions()
    all_permissions = Permission.objects.select_related("content_type")
    lacking = [permission.pk for permission in all_permissions if _full_name(permission) not in operator_permissions]
    return groups.exclude(permissions__in=lacking)


def _full_name(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"
