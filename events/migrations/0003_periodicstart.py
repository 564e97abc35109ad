from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0002_worker_state"),
    ]

    operations = [
        migrations.CreateModel(
            name="PeriodicStart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40, unique=True)),
                ("due_at", models.DateTimeField()),
            ],
        ),
    ]
