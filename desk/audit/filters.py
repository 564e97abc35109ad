"""What the list of audit entries can be filtered by: anything that an entry holds."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextInputWidget
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import account_index
from audit.kinds import KINDS
from audit.models import Entry, EntryDocument
from crossbar.pages import PageRequest
from desk.kit.known_texts import translate_lazy
from desk.models import AuditEntry
from storage import database_names

Entries = QuerySet[AuditEntry]
_MAX_ACCOUNTS = 500
_DESK_KINDS = ("audit", "job", "operator")


def _choices(all_text: Any, values: Any) -> list[tuple[str, Any]]:
    return [("", all_text), *values]


class FilterForm(forms.Form):
    """The fields of the filter, as the query has them."""

    source = forms.ChoiceField(
        label=gettext_lazy("Done"), required=False, choices=_choices(gettext_lazy("Anywhere"), Entry.Source.choices)
    )
    account = forms.CharField(label=gettext_lazy("Account"), required=False, max_length=200)
    actor = forms.CharField(label=gettext_lazy("Who"), required=False, max_length=150)
    action = forms.CharField(label=gettext_lazy("Action"), required=False, max_length=40)
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        required=False,
        choices=_choices(
            gettext_lazy("All"), [(kind, translate_lazy(kind)) for kind in sorted({*KINDS.values(), *_DESK_KINDS})]
        ),
    )
    document = forms.CharField(label=gettext_lazy("Document id"), required=False, max_length=250)
    request_id = forms.CharField(label=gettext_lazy("Request id"), required=False, max_length=64)
    address = forms.CharField(label=gettext_lazy("Address"), required=False, max_length=100)
    since = forms.DateTimeField(label=gettext_lazy("From (UTC)"), required=False)
    until = forms.DateTimeField(label=gettext_lazy("To (UTC)"), required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name in ("since", "until"):
            self.fields[name].widget = AdminTextInputWidget(attrs={"type": "datetime-local"})
        for name in ("account", "actor", "action", "document", "request_id", "address"):
            self.fields[name].widget = AdminTextInputWidget(attrs={"size": 18})

    def clean(self) -> dict[str, Any]:
        """Refuse an end before the beginning."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and since > until:
            self.add_error("until", _("This is before the beginning."))
        return self.cleaned_data


def filter_entries(queryset: Entries, form: FilterForm) -> Entries:
    """The entries that match a form; none if a field can't be read, which the form says."""
    if not form.is_valid():
        return queryset.none()
    for name, value in form.cleaned_data.items():
        if value:
            queryset = _FILTERS[name](queryset, value)
    return queryset


def search_entries(queryset: Entries, text: str) -> Entries:
    """The entries that have each word of a text in a name, an id, or what differs."""
    words = text.split()
    if words:
        queryset = queryset.annotate(difference_text=Cast("difference", TextField()))
    for word in words:
        queryset = queryset.filter(
            Q(name__icontains=word)
            | Q(operator__username__icontains=word)
            | Q(actor_name__icontains=word)
            | Q(action__icontains=word)
            | Q(account_id=word)
            | Q(document_id=word)
            | Q(request_id=word)
            | Q(actor_user_id=word)
            | Q(difference_text__icontains=word)
            | Q(difference_text__icontains=json.dumps(word)[1:-1])  # as SQLite has letters beyond ASCII
        )
    return queryset


def about_documents(queryset: Entries, document_ids: list[str]) -> Entries:
    """The entries about documents, alone or among others."""
    grouped = EntryDocument.objects.filter(document_id__in=document_ids).values("entry_id")
    return queryset.filter(Q(document_id__in=document_ids) | Q(pk__in=grouped))


def _in_account(queryset: Entries, text: str) -> Entries:
    """Those of the accounts that a text finds: by id, or by the beginnings of words of their names or realms."""
    text = text.strip()
    if database_names.is_account_id(text.lower()):
        return queryset.filter(account_id=text.lower())
    found = account_index.search(text, PageRequest(size=_MAX_ACCOUNTS, descending=False))
    return queryset.filter(account_id__in=[account["_id"] for account in found.entries])


def _by_actor(queryset: Entries, text: str) -> Entries:
    return queryset.filter(
        Q(operator__username__icontains=text)
        | Q(actor_name__icontains=text)
        | Q(actor_user_id=text)
        | Q(actor_account_id=text)
        | Q(impersonator__contains=text)
    )


def _until(queryset: Entries, until: datetime) -> Entries:
    return queryset.filter(time__lt=_utc(until) + timedelta(minutes=1))


def _utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


_FILTERS: dict[str, Callable[[Entries, Any], Entries]] = {
    "source": lambda entries, value: entries.filter(source=value),
    "account": _in_account,
    "actor": _by_actor,
    "action": lambda entries, value: entries.filter(action__iexact=value),
    "kind": lambda entries, value: entries.filter(kind=value),
    "document": lambda entries, value: about_documents(entries, [value]),
    "request_id": lambda entries, value: entries.filter(request_id=value),
    "address": lambda entries, value: entries.filter(address=value),
    "since": lambda entries, value: entries.filter(time__gte=_utc(value)),
    "until": _until,
}
