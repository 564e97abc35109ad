"""What an operator chose for a list: its columns, and how many rows a page has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.http import HttpRequest

from desk.models import ListPreference

PAGE_SIZES = (25, 50, 100, 200, 500)
EXPORT_PAGE_SIZE = 500
_ATTRIBUTE = "list_settings"


@dataclass(frozen=True)
class ListSettings:
    """The settings of a list for an operator, or those of an export."""

    list_name: str = ""
    hidden: frozenset[str] = frozenset()
    """The names of the columns that are not shown."""
    page_size: int | None = None
    """None for the list's own size."""
    is_export: bool = False


def load(request: HttpRequest, list_name: str) -> ListSettings:
    """Read the operator's settings of a list, and keep them for the request."""
    preference = ListPreference.objects.filter(operator_id=request.user.pk, list_name=list_name).first()
    settings = ListSettings(list_name)
    if preference is not None:
        settings = ListSettings(list_name, frozenset(preference.hidden_columns), preference.page_size)
    setattr(request, _ATTRIBUTE, settings)
    return settings


def settings_of_list(request: HttpRequest) -> ListSettings:
    """The settings that were loaded for a request; those of no list in particular if none were."""
    settings = getattr(request, _ATTRIBUTE, None)
    return settings if isinstance(settings, ListSettings) else ListSettings()


def use_for_export(request: HttpRequest) -> None:
    """Let the request's pages be as large as an export reads them."""
    setattr(request, _ATTRIBUTE, replace(settings_of_list(request), page_size=EXPORT_PAGE_SIZE, is_export=True))


def store(operator_id: int, list_name: str, hidden: Sequence[str], page_size: int | None) -> None:
    """Keep an operator's settings of a list."""
    ListPreference.objects.update_or_create(
        operator_id=operator_id,
        list_name=list_name,
        defaults={"hidden_columns": sorted(set(hidden)), "page_size": page_size},
    )
