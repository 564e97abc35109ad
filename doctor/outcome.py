"""What came of an examination: findings by subject, what was repaired, and the exit status."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from doctor.findings import Finding, Severity, error


@dataclass
class Entry:
    """A finding, and what became of it."""

    finding: Finding
    is_fixed: bool = False
    repairs: list[str] = field(default_factory=list)
    """A sentence for each thing that was done."""
    failure: str = ""
    """Why it could not be repaired."""


@dataclass
class SubjectReport:
    """What was found of a subject."""

    name: str
    title: str
    entries: list[Entry] = field(default_factory=list)
    summary: str = ""
    reason_unchecked: str = ""
    """Why not all of it was checked; empty if it was."""

    @property
    def worst(self) -> Severity:
        """The worst of what is still wrong; a note if nothing is."""
        severities = [entry.finding.severity for entry in self.entries if not entry.is_fixed]
        return min(severities, key=lambda severity: severity.rank, default=Severity.NOTE)


def exit_status(reports: Iterable[SubjectReport]) -> int:
    """Return 0 if nothing is wrong any more, 1 for warnings, 2 for errors."""
    rank = min((report.worst.rank for report in reports), default=Severity.NOTE.rank)
    return Severity.NOTE.rank - rank


def report_failed_start(sentence: str) -> SubjectReport:
    """Return the report of a setting that can't be read, or a missing library: nothing else can be checked."""
    advice = (
        "Correct the setting (docs/configuration.md), or install what is missing: requirements.txt, for PostgreSQL "
        "deploy/requirements.txt."
    )
    return SubjectReport("settings", "Settings", [Entry(error("start_failed", sentence, advice))])
