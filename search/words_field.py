"""The words of an entry, and the lookup that finds entries by them in the full-text index of either database.

SQLite has the words in a table of FTS5, which triggers keep up to date. PostgreSQL has a GIN index on the words as
lexemes. Neither parses or stems them: words are folded before they are stored (`search.entries`).
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Lookup, TextField

FTS_TABLE = "search_entry_words"


@dataclass(frozen=True)
class Word:
    """An entry has a word, or one that starts with it."""

    text: str
    """Folded, without blanks and punctuation of ASCII."""
    is_prefix: bool = False


@dataclass(frozen=True)
class AnyOf:
    """An entry fulfils one of some conditions."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True)
class AllOf:
    """An entry fulfils all of some conditions."""

    conditions: tuple["Condition", ...]


Condition = Word | AnyOf | AllOf


class WordsField(TextField):  # type: ignore[type-arg]  # not generic when it runs
    """Words with a blank between them."""


@WordsField.register_lookup
class Fulfils(Lookup[Any]):
    """``words__fulfils=condition``."""

    lookup_name = "fulfils"
    prepare_rhs = False

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Ask the table of FTS5, whose row ids are those of the entries."""
        alias = compiler.quote_name_unless_alias(self.lhs.alias)
        sql = f'{alias}."id" IN (SELECT rowid FROM {FTS_TABLE} WHERE {FTS_TABLE} MATCH %s)'  # noqa: S608 - constants
        return sql, [_fts5_query(self.rhs)]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """Ask the expression that the GIN index is on."""
        lhs, params = self.process_lhs(compiler, connection)
        return f"array_to_tsvector(string_to_array({lhs}, ' ')) @@ %s::tsquery", [*params, _tsquery(self.rhs)]


def _fts5_query(condition: Condition) -> str:
    if isinstance(condition, Word):
        return f'"{condition.text}"{"*" if condition.is_prefix else ""}'
    operator = " OR " if isinstance(condition, AnyOf) else " AND "
    return f"({operator.join(map(_fts5_query, condition.conditions))})"


def _tsquery(condition: Condition) -> str:
    if isinstance(condition, Word):
        escaped = condition.text.replace("\\", "\\\\").replace("'", "''")
        return f"'{escaped}'{':*' if condition.is_prefix else ''}"
    operator = " | " if isinstance(condition, AnyOf) else " & "
    return f"({operator.join(map(_tsquery, condition.conditions))})"
