"""Django's tables in a backup: operators, their groups and second factors, the audit log, runs at the desk.

What is left out makes itself again (permissions, content types) or is good for a moment only (sessions, counts of
failed sign-ins, leases, jobs, mails and webhooks that wait to be sent) or is made anew (the index of the search).
"""

import json
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core import serializers
from django.core.management.color import no_style
from django.core.serializers.base import DeserializationError
from django.db import Error, connection, models, transaction

from backup import segments
from backup.layout import File
from backup.places import Place

_LEFT_OUT_APPS = frozenset(
    {"contenttypes", "sessions", "accounts", "events", "webhooks", "notifications", "search", "django_tasks_database"}
)
_LEFT_OUT = frozenset({"auth.Permission"})
_CHUNK = 1_000


class TablesInUse(Exception):
    """There are operators already."""


def back_up(place: Place, folder: Path) -> list[File]:
    """Store the tables. The last ones come first, so that rows which these name are there when theirs are read."""
    files = [
        segments.write_lines(place, f"tables/{model._meta.label}{segments.SUFFIX}", _row_lines(model), folder)
        for model in reversed(_list_models())
    ]
    return files[::-1]


def is_restored(place: Place, files: Sequence[File]) -> bool:
    """Whether the tables have the backup's operators already. Raises TablesInUse if they have others."""
    user_model = get_user_model()
    present = set(user_model.objects.values_list(user_model.USERNAME_FIELD, flat=True))
    if not present:
        return False
    lines = next(
        (segments.read_lines(place, file) for file in files if file.path.startswith("tables/auth.User.")), []
    )
    saved = {json.loads(line)["fields"][user_model.USERNAME_FIELD] for line in lines}
    if saved and saved <= present:
        return True
    raise TablesInUse("there are operators already in Django's tables (DATABASE_URL)")


def restore_rows(place: Place, files: Sequence[File]) -> int:
    """Store all rows, or none if that fails; their number. Raises DamagedBackup, TablesInUse."""
    count = 0
    try:
        with transaction.atomic():
            # There are no operators yet: these are the groups that `migrate` makes, and the backup has its own.
            Group.objects.all().delete()
            for file in files:
                for item in serializers.deserialize("jsonl", _joined_lines(segments.read_lines(place, file))):
                    item.save()
                    count += 1
            _reset_sequences()
    except (DeserializationError, Error) as error:
        raise TablesInUse(f"Django's tables don't take the rows of the backup: {error}") from error
    return count


def _list_models() -> list[type[models.Model]]:
    """The models whose rows are in a backup, each after those that its rows name."""
    labels = {
        model: _named_models(model)
        for model in apps.get_models()
        if model._meta.managed
        and not model._meta.proxy
        and model._meta.app_label not in _LEFT_OUT_APPS
        and model._meta.label not in _LEFT_OUT
    }
    return [model for model in TopologicalSorter(labels).static_order() if model in labels]


def _named_models(model: type[models.Model]) -> set[Any]:
    """The other models that a model's rows name. A row that names one of its own table names an earlier one."""
    fields = [field for field in model._meta.get_fields() if field.is_relation and field.concrete]
    return {field.related_model for field in fields} - {model}


def _row_lines(model: type[models.Model]) -> Iterator[bytes]:
    """The rows of a table as lines. Permissions and types of content are named: their numbers may be others."""
    for row in model._default_manager.order_by("pk").iterator(chunk_size=_CHUNK):
        text: str = serializers.serialize("jsonl", [row], use_natural_foreign_keys=True)
        yield text.strip().encode()


def _joined_lines(lines: Sequence[bytes]) -> str:
    return "\n".join(line.decode() for line in lines)


def _reset_sequences() -> None:
    """Let new rows get ids after those that were restored: PostgreSQL counts them apart."""
    statements = connection.ops.sequence_reset_sql(no_style(), _list_models())
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
