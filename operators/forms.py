"""The forms of operators and of their groups, with what the desk adds to Django's."""

from typing import Any

from django import forms
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Permission, User
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from desk.kit.known_texts import translate
from desk.models import AccountLimit, GroupAccess
from desk.scope import EVERYTHING, Scope, scope_from
from operators.limit_field import LimitField

LIMIT = "accounts"
"""The field with the accounts that an operator or group is limited to."""

_DEFAULT_PERMISSIONS = {
    "view": gettext_lazy("Can view"),
    "add": gettext_lazy("Can add"),
    "change": gettext_lazy("Can change"),
    "delete": gettext_lazy("Can delete"),
}


class OperatorForm(UserChangeForm):  # type: ignore[type-arg]  # not generic when it runs
    """An operator. What the form makes of one has to be within the scope of who fills it in."""

    accounts = LimitField()
    editor_scope: Scope = EVERYTHING

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _translate_permissions(self, "user_permissions")
        _fit_limit_field(self, AccountLimit.objects.filter(operator_id=self.instance.pk or 0), self.editor_scope)

    def clean(self) -> dict[str, Any]:
        """Refuse a scope that is wider than the editor's, and a limit of who has none."""
        super().clean()
        data = self.cleaned_data
        account_ids = data.get(LIMIT, _stored_limit(self.instance))
        if account_ids and data.get("is_superuser", self.instance.is_superuser):
            self._refuse(_("Superusers see everything. Remove the accounts, or clear “Superuser status”."))
        groups = data.get("groups", self.instance.groups.all())
        group_ids = AccountLimit.objects.filter(group__in=groups).values_list("account_id", flat=True)
        if not scope_from(account_ids, group_ids).is_within(self.editor_scope):
            self._refuse(_("Choose one or more of the accounts that you see yourself."))
        return data

    def _refuse(self, message: str) -> None:
        self.add_error(LIMIT if LIMIT in self.fields else None, message)


class GroupForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """A group, with what signing in takes, and the accounts that it is limited to."""

    needs_second_factor = forms.BooleanField(
        required=False,
        label=gettext_lazy("Second factor required"),
        help_text=gettext_lazy(
            "Its operators sign in with an authenticator app as well. Who has none sets one up first."
        ),
    )
    accounts = LimitField()
    editor_scope: Scope = EVERYTHING

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        access = GroupAccess.objects.filter(group_id=self.instance.pk).first()
        _translate_permissions(self, "permissions")
        self.fields["needs_second_factor"].initial = access is not None and access.needs_second_factor
        _fit_limit_field(self, AccountLimit.objects.filter(group_id=self.instance.pk or 0), self.editor_scope)


def _translate_permissions(form: Any, name: str) -> None:
    """Have the field, if the form has it, name permissions in the page's language: Django stores them in English."""
    if field := form.fields.get(name):
        field.label_from_instance = _permission_label


def _permission_label(permission: Permission) -> str:
    action = permission.codename.removesuffix(f"_{permission.content_type.model}")
    name = _DEFAULT_PERMISSIONS.get(action) or translate(permission.name)
    return f"{permission.content_type} | {name}"


def _fit_limit_field(form: Any, limits: "QuerySet[AccountLimit]", scope: Scope) -> None:
    """Have the field, if the form has it, show the accounts of a limit, and take those of the editor's scope."""
    field = form.fields.get(LIMIT)
    if isinstance(field, LimitField):
        stored = frozenset(limits.values_list("account_id", flat=True))
        field.prepare(stored, scope)
        form.initial[LIMIT] = sorted(stored)


def _stored_limit(user: User) -> list[str]:
    return list(AccountLimit.objects.filter(operator=user).values_list("account_id", flat=True))
