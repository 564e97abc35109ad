"""Findings: what is wrong, how bad it is, and what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

Repair = Callable[[], list[str]]
"""Repairs what a finding is about, and returns a sentence for each thing that it did. It never changes data."""


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    ERROR = "error"
    """Something doesn't work, or isn't safe."""
    WARNING = "warning"
    """Something will go wrong, or is only half as good as it should be."""
    NOTE = "note"
    """Worth knowing. It has no effect on the exit status."""

    @property
    def rank(self) -> int:
        """Its place among all severities, 0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Finding:
    """What a check found."""

    severity: Severity
    key: str
    """What machines know it by. It stays the same from version to version."""
    problem: str
    advice: str
    subjects: tuple[str, ...] = ()
    """What it is about, where that is several: names of databases, paths of documents."""
    repair: Repair | None = field(default=None, compare=False)
    total: int = 0
    """How many it is about, if `subjects` has only the first of them."""

    @property
    def subject_count(self) -> int:
        """How many it is about."""
        return max(self.total, len(self.subjects))


def error(
    key: str, problem: str, advice: str, subjects: tuple[str, ...] = (), repair: Repair | None = None
) -> Finding:
    """Return a finding of something that doesn't work, or isn't safe."""
    return Finding(Severity.ERROR, key, problem, advice, subjects, repair)


def warning(
    key: str, problem: str, advice: str, subjects: tuple[str, ...] = (), repair: Repair | None = None
) -> Finding:
    """Return a finding of something that will go wrong, or is only half as good as it should be."""
    return Finding(Severity.WARNING, key, problem, advice, subjects, repair)


def note(key: str, problem: str, advice: str, subjects: tuple[str, ...] = ()) -> Finding:
    """Return a finding that is worth knowing."""
    return Finding(Severity.NOTE, key, problem, advice, subjects)


def count(number: int, singular: str, plural: str) -> str:
    """Return a number with a phrase in singular or plural: ``1 message has``, ``2,000 messages have``."""
    return f"{number:,} {singular if number == 1 else plural}"
