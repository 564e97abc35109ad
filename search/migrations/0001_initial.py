from typing import Any

from django.db import migrations, models

import search.words_field

SQLITE = (
    """CREATE VIRTUAL TABLE search_entry_words USING fts5(
        words, content='search_entry', content_rowid='id', tokenize='ascii', detail='none', columnsize=0)""",
    """CREATE TRIGGER search_entry_added AFTER INSERT ON search_entry BEGIN
        INSERT INTO search_entry_words(rowid, words) VALUES (new.id, new.words); END""",
    """CREATE TRIGGER search_entry_removed AFTER DELETE ON search_entry BEGIN
        INSERT INTO search_entry_words(search_entry_words, rowid, words) VALUES ('delete', old.id, old.words); END""",
    """CREATE TRIGGER search_entry_changed AFTER UPDATE OF words ON search_entry WHEN old.words <> new.words BEGIN
        INSERT INTO search_entry_words(search_entry_words, rowid, words) VALUES ('delete', old.id, old.words);
        INSERT INTO search_entry_words(rowid, words) VALUES (new.id, new.words); END""",
)
POSTGRESQL = (
    "CREATE INDEX search_entry_words ON search_entry USING gin (array_to_tsvector(string_to_array(words, ' ')))",
)


def create_full_text_index(apps: Any, schema_editor: Any) -> None:
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def drop_full_text_index(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "sqlite":
        for name in ("added", "removed", "changed"):
            schema_editor.execute(f"DROP TRIGGER search_entry_{name}")
        schema_editor.execute("DROP TABLE search_entry_words")
    else:
        schema_editor.execute("DROP INDEX search_entry_words")


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("account", "Account"),
                            ("mailbox", "Mailbox"),
                            ("user", "User"),
                            ("message", "Message"),
                        ],
                        max_length=10,
                    ),
                ),
                ("account_id", models.CharField(max_length=32)),
                ("document_id", models.CharField(max_length=100)),
                ("box_id", models.CharField(blank=True, max_length=100)),
                ("time", models.BigIntegerField(default=0)),
                ("title", models.CharField(max_length=200)),
                ("detail", models.CharField(blank=True, max_length=200)),
                ("is_removed", models.BooleanField(default=False)),
                ("words", search.words_field.WordsField()),
            ],
            options={
                "indexes": [models.Index(fields=["kind"], name="search_of_kind")],
                "constraints": [
                    models.UniqueConstraint(fields=("account_id", "document_id"), name="one_entry_per_document")
                ],
            },
        ),
        migrations.CreateModel(
            name="FilledDatabase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name="Filling",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("accounts", models.PositiveIntegerField(default=0)),
                ("accounts_done", models.PositiveIntegerField(default=0)),
                ("followed_until", models.DateTimeField(null=True)),
            ],
        ),
        migrations.RunPython(create_full_text_index, drop_full_text_index),
    ]
