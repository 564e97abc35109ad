"""The table of audit entries is the audit's: the desk shows it under its own name."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("desk", "0012_lists"),
        ("audit", "0001_initial"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name="AuditEntry")]),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
                "proxy": True,
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
            bases=("audit.entry",),
        ),
    ]
