"""The pages of the desk's own users, the operators.

An operator can't give anybody permissions that the operator lacks. Operators with entries in the audit log stay.
"""

from typing import Any

from django import forms
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

from desk.models import AuditEntry, GroupAccess
from desk.operators import second_factor, sessions, trail

_SUPERUSER_FIELDS = ("is_superuser", "user_permissions")
_ACCESS_FIELDS = ("session_list", "second_factor")
_CANNOT_BE_DELETED = "has entries in the audit log and can't be deleted. Clear “Active” to end all access."

admin.site.unregister([User, Group])


@admin.register(User)
class OperatorAdmin(UserAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Django's pages of users, with limits for operators who aren't superusers.

    They can change operators who have no more permissions than themselves, and give groups that have no more.
    """

    actions = ("deactivate",)
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "last_login")

    @admin.action(description="Deactivate selected users", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End the access of those whom the operator may change, except of the operator."""
        count = 0
        for user in queryset:
            if user == request.user or not self.has_change_permission(request, user):
                messages.error(request, f"You may not deactivate {user}.")
                continue
            user.is_active = False
            user.save(update_fields=["is_active"])
            self.log_change(request, user, [{"changed": {"fields": ["Active"]}}])
            count += 1
        if count:
            messages.success(request, f"Deactivated {count} operator{'' if count == 1 else 's'}.")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's actions, without the deletion of several users at once."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may change users, and this one."""
        return super().has_change_permission(request, obj) and _has_no_more_permissions(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may delete users, and this one."""
        return super().has_delete_permission(request, obj) and _has_no_more_permissions(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Django's read-only fields, and those that only superusers change."""
        names = (*super().get_readonly_fields(request, obj), *_ACCESS_FIELDS)
        return names if request.user.is_superuser else (*names, *_SUPERUSER_FIELDS)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Django's groups of fields, and for superusers what an operator signs in with."""
        fieldsets = super().get_fieldsets(request, obj)
        is_for_superuser = obj is not None and request.user.is_superuser
        return (*fieldsets, ("Signing in", {"fields": _ACCESS_FIELDS})) if is_for_superuser else fieldsets

    @admin.display(description="sessions")
    def session_list(self, user: User) -> SafeString:
        """A link to the operator's sessions."""
        count = len(sessions.list_of(user))
        return format_html('<a href="{}">{}</a>', reverse("colleague_sessions", args=[user.pk]), count)

    @admin.display(description="second factor")
    def second_factor(self, user: User) -> SafeString | str:
        """Whether there is one, with a link that resets it."""
        if not second_factor.is_set_up(user):
            return "none, and a group requires it" if second_factor.is_required(user) else "none"
        url = reverse("reset_second_factor", args=[user.pk])
        return format_html('an authenticator app. <a href="{}">Reset it</a>', url)

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelMultipleChoiceField[Any] | None":
        """Offer only the groups that the operator may give."""
        if db_field.name == "groups":
            kwargs["queryset"] = _groups_to_give(request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Set an operator's password: superusers anybody's, others only their own.

        Whoever sets a colleague's password can act in the colleague's name, also in the audit log.
        """
        if not request.user.is_superuser and str(request.user.pk) != id:
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Refuse to delete an operator with entries in the audit log."""
        user = self.get_object(request, object_id)
        if user is not None and AuditEntry.objects.filter(operator=user).exists():
            messages.error(request, f"{user} {_CANNOT_BE_DELETED}")
            return HttpResponseRedirect(reverse("admin:auth_user_change", args=[user.pk]))
        return super().delete_view(request, object_id, extra_context)


class _GroupForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    needs_second_factor = forms.BooleanField(
        required=False,
        label="Second factor required",
        help_text="Its operators sign in with an authenticator app as well. Who has none sets one up first.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        access = GroupAccess.objects.filter(group_id=self.instance.pk).first()
        self.fields["needs_second_factor"].initial = access is not None and access.needs_second_factor


@admin.register(Group)
class OperatorGroupAdmin(GroupAdmin):
    """Django's pages of groups, with what signing in takes."""

    form = _GroupForm
    fields = ("name", "needs_second_factor", "permissions")

    def save_model(self, request: HttpRequest, obj: Group, form: Any, change: bool) -> None:
        """Store the group, and record who changed what signing in takes."""
        super().save_model(request, obj, form, change)
        if "needs_second_factor" in form.changed_data:
            value = form.cleaned_data["needs_second_factor"]
            GroupAccess.objects.update_or_create(group=obj, defaults={"needs_second_factor": value})
            trail.record_trail(request, trail.CHANGED_GROUP, obj.name, by=request.user, needs_second_factor=value)


def _has_no_more_permissions(request: HttpRequest, user: Any) -> bool:
    """Whether a user has no permission that the operator lacks."""
    operator = request.user
    if user is None or operator.is_superuser:
        return True
    # An inactive user's permissions count, too: whoever may change the user may make it active again.
    permissions = {_full_name(permission) for permission in _permissions_of(user)}
    return not user.is_superuser and permissions <= operator.get_all_permissions()


def _permissions_of(user: Any) -> "QuerySet[Permission]":
    own, from_groups = Permission.objects.filter(user=user), Permission.objects.filter(group__user=user)
    return (own | from_groups).select_related("content_type").distinct()


def _groups_to_give(request: HttpRequest) -> "QuerySet[Group]":
    """The groups without permissions that the operator lacks."""
    if request.user.is_superuser:
        return Group.objects.all()
    operator_permissions = request.user.get_all_permissions()
    all_permissions = Permission.objects.select_related("content_type")
    lacking = [permission.pk for permission in all_permissions if _full_name(permission) not in operator_permissions]
    return Group.objects.exclude(permissions__in=lacking)


def _full_name(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"
