"""Takes the table of entries over from the desk, whose operators' entries are in it."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_FORMER_TABLE, _TABLE = "desk_auditentry", "audit_entry"


def rename_table(apps: Any, schema_editor: Any) -> None:
    """Give the desk's table its new name."""
    schema_editor.alter_db_table(apps.get_model("desk", "AuditEntry"), _FORMER_TABLE, _TABLE)


def undo_renaming(apps: Any, schema_editor: Any) -> None:
    """Give the table its former name."""
    schema_editor.alter_db_table(apps.get_model("desk", "AuditEntry"), _TABLE, _FORMER_TABLE)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("desk", "0009_mail"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(rename_table, undo_renaming)],
            state_operations=[
                migrations.CreateModel(
                    name="Entry",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("time", models.DateTimeField(auto_now_add=True, db_index=True)),
                        ("action", models.CharField(max_length=40)),
                        (
                            "account_id",
                            models.CharField(blank=True, db_index=True, max_length=32, verbose_name="account"),
                        ),
                        ("kind", models.CharField(max_length=20)),
                        ("document_id", models.CharField(db_index=True, max_length=250, verbose_name="document")),
                        (
                            "name",
                            models.CharField(blank=True, help_text="the document's name at the time", max_length=250),
                        ),
                        ("difference", models.JSONField(blank=True, default=dict)),
                        (
                            "operator",
                            models.ForeignKey(
                                blank=True,
                                help_text="none for a refused sign-in under a name that nobody has",
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={"ordering": ("-time", "-id"), "db_table": _TABLE, "default_permissions": ()},
                ),
            ],
        ),
    ]
