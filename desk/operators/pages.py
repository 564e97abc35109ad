"""The desk's own users, its operators: nobody gives more than they have, and who did anything stays on record."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import ManyToManyField, QuerySet
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from desk.models import AuditEntry

_SUPERUSERS_ONLY = ("is_superuser", "user_permissions")
_STAYS = "did things that are on record, and stays for that reason. Take away “Active” instead: that ends all access."

admin.site.unregister(User)


@admin.register(User)
class OperatorAdmin(UserAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """Django's pages of users, of which only superusers get all.

    Somebody else with the permission changes operators who may do no more than themselves, and gives groups that may
    do no more.
    """

    actions = ("deactivate",)
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "last_login")

    @admin.action(description="Deactivate selected users", permissions=["change"])
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Take away the access of those that this operator may change; nobody locks themselves out."""
        changed = 0
        for user in queryset:
            if user == request.user or not self.has_change_permission(request, user):
                messages.error(request, f"{user} was not deactivated: that is not yours to do.")
                continue
            user.is_active = False
            user.save(update_fields=["is_active"])
            self.log_change(request, user, [{"changed": {"fields": ["Active"]}}])
            changed += 1
        if changed:
            messages.success(request, f"{changed} deactivated.")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Not the deletion of many."""
        found = super().get_actions(request)
        return {name: action for name, action in found.items() if name != "delete_selected"}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whether the operator may change users, and this one, who may do no more."""
        return super().has_change_permission(request, obj) and _is_within(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As for changing."""
        return super().has_delete_permission(request, obj) and _is_within(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What only superusers give."""
        found = tuple(super().get_readonly_fields(request, obj))
        return found if request.user.is_superuser else (*found, *_SUPERUSERS_ONLY)

    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelMultipleChoiceField[Any] | None":
        """The groups that the operator may give."""
        if db_field.name == "groups":
            kwargs["queryset"] = _groups_within(request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Deletion, but of somebody who is on record."""
        user = self.get_object(request, object_id)
        if user is not None and AuditEntry.objects.filter(operator=user).exists():
            messages.error(request, f"{user} {_STAYS}")
            return HttpResponseRedirect(reverse("admin:auth_user_change", args=[user.pk]))
        return super().delete_view(request, object_id, extra_context)


def _is_within(request: HttpRequest, user: Any) -> bool:
    """Whether a user may do no more than the request's operator."""
    operator = request.user
    if user is None or operator.is_superuser:
        return True
    # An inactive user's permissions count, too: whoever may change it may make it active.
    held = {f"{one.content_type.app_label}.{one.codename}" for one in _permissions_of(user)}
    return not user.is_superuser and held <= operator.get_all_permissions()


def _permissions_of(user: Any) -> "QuerySet[Permission]":
    own, by_groups = Permission.objects.filter(user=user), Permission.objects.filter(group__user=user)
    return (own | by_groups).select_related("content_type").distinct()


def _groups_within(request: HttpRequest) -> "QuerySet[Group]":
    """The groups whose permissions the request's operator has."""
    groups = Group.objects.all()
    if request.user.is_superuser:
        return groups
    mine = request.user.get_all_permissions()
    permissions = Permission.objects.select_related("content_type")
    others = [one.pk for one in permissions if f"{one.content_type.app_label}.{one.codename}" not in mine]
    return groups.exclude(permissions__in=others)
