from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AccountFigures",
            fields=[
                ("account_id", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=250)),
                ("bytes_on_disk", models.PositiveBigIntegerField(db_index=True, default=0)),
                ("messages", models.PositiveBigIntegerField(db_index=True, default=0)),
                ("lacking_views", models.JSONField(default=list)),
                ("missing_months", models.JSONField(default=list)),
                ("problem", models.CharField(blank=True, max_length=300)),
                ("is_lacking", models.BooleanField(db_index=True, default=False)),
                ("databases", models.JSONField(default=dict)),
                ("views_version", models.CharField(blank=True, max_length=40)),
                ("examined_at", models.DateTimeField()),
                ("collected_at", models.DateTimeField(db_index=True)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="Collection",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField(null=True)),
                ("cursor", models.CharField(blank=True, max_length=250)),
                ("accounts_done", models.PositiveIntegerField(default=0)),
                ("holder", models.CharField(blank=True, max_length=32)),
                ("lease_until", models.DateTimeField()),
                ("collected_at", models.DateTimeField(null=True)),
                ("seconds", models.FloatField(default=0)),
                ("error", models.CharField(blank=True, max_length=300)),
                ("system", models.JSONField(default=dict)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="DayFigures",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account_id", models.CharField(blank=True, max_length=32)),
                ("day", models.DateField(db_index=True)),
                ("messages", models.PositiveBigIntegerField(default=0)),
                ("bytes_on_disk", models.PositiveBigIntegerField(null=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("account_id", "day"), name="one_day_of_an_account")],
            },
        ),
        migrations.CreateModel(
            name="Finding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("full_mailbox", "Full Mailbox"),
                            ("failed_webhook", "Failed Webhook"),
                            ("odd_day", "Odd Day"),
                        ],
                        max_length=20,
                    ),
                ),
                ("account_id", models.CharField(db_index=True, max_length=32)),
                ("document_id", models.CharField(blank=True, max_length=250)),
                ("name", models.CharField(max_length=250)),
                ("number", models.PositiveBigIntegerField()),
                ("reference", models.PositiveBigIntegerField(default=0)),
                ("day", models.DateField(null=True)),
                ("at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["kind", "account_id"], name="findings_of_a_kind")],
            },
        ),
    ]
