"""The report of a migration: a file with a line per entry, and a summary for people."""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import Any

from crossbar.csv_renderer import format_cell
from migration.progress import Row, Tally

SUFFIXES = (".json", ".csv")
OUTCOMES = {
    "migrated": "stored in its month, with its audio",
    "linked": "stored in its month, its audio linked",
    "resolved": "had a link, and has its audio now",
    "copied": "was in its month in the source, and is copied here as it was",
    "present": "was there already",
    "verified": "is whole: metadata and audio as they were",
    "changed": "was used since: moved, removed, another folder or audio",
    "marked": "can't be migrated, and stays in its mailbox, marked",
    "purged": "its old media document is deleted",
    "kept": "its old media document stays",
    "unclaimed": "audio of 3.x that no message, entry or greeting names",
    "differing": "is not what it was",
    "missing": "is not there",
    "extra": "is there, and should not be",
    "failed": "is not migrated: it stays where it was",
}
"""Outcomes in the order of the summary, and what each one means."""
FAULTS = frozenset({"differing", "missing", "extra", "failed"})
REASONS = {
    "no_media_id": "the entry names no media document",
    "no_audio": "the media document, or its audio, is missing or deleted",
    "broken_audio": "the audio can't be read to its end",
    "too_large": "CouchDB takes no attachment of that size",
    "refused": "CouchDB refused it: see the log",
    "conflict": "it was changed again and again meanwhile: run again",
    "entry": "a mailbox's entry or greeting needs it",
    "id_taken": "a document of another type has its id here",
    "link": "a message's audio is linked to it",
    "not_copied": "its message has no audio of its own",
    "audio_differs": "its message has other audio",
    "not_migrated": "run the migration",
    "other_account": "it belongs to another account by its own words",
    "deleted": "its message was deleted from its month's database",
}
"""Reasons for an outcome, and what each one means."""


class Report:
    """A file with a row per entry, written as they come; JSON or CSV, by the suffix of its name. A context manager.

    Until it is complete it has ``.part`` after its name. Raises OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".part")
        self._is_csv = path.suffix.lower() == ".csv"
        self._count = 0
        self._file = self._part.open("w", encoding="utf-8", errors="replace", newline="")
        if self._is_csv:
            self._csv = csv.writer(self._file)
            self._csv.writerow(field.name for field in fields(Row))
        else:
            self._file.write('{"entries": [')

    def add_row(self, row: Row) -> None:
        """Write a row."""
        if self._is_csv:
            self._csv.writerow(map(format_cell, asdict(row).values()))
        else:
            self._file.write((",\n" if self._count else "\n") + json.dumps(asdict(row)))
        self._count += 1

    def complete(self, tally: Tally) -> None:
        """Write the summary (JSON only), and give the file its name."""
        if not self._is_csv:
            self._file.write('\n], "summary": ' + json.dumps(summarise(tally), indent=2) + "}\n")
        self._file.close()
        self._part.replace(self.path)

    def __enter__(self) -> "Report":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def has_faults(tally: Tally) -> bool:
    """Whether anything failed, or is not as it should be."""
    return bool(tally.problems) or any(outcome in FAULTS for outcome, _ in (*tally.outcomes, *tally.greetings))


def summarise(tally: Tally) -> dict[str, Any]:
    """The tally as JSON: counts by outcome and reason, documents imported and left out, problems."""
    return {
        **_summarise_counts(tally.outcomes),
        "greetings": _summarise_counts(tally.greetings),
        "accounts": tally.accounts_done,
        "bytes": tally.bytes,
        "seconds": round(tally.seconds, 1),
        "imported": dict(tally.imported),
        "left_out": dict(tally.left_out),
        "problems": [asdict(problem) for problem in tally.problems],
        "warnings": tally.warnings,
        "stopped": tally.is_stopped,
    }


def _summarise_counts(counts: Counter[tuple[str, str]]) -> dict[str, Any]:
    outcomes: Counter[str] = Counter()
    reasons: dict[str, dict[str, int]] = {}
    for (outcome, reason), count in sorted(counts.items()):
        outcomes[outcome] += count
        if reason:
            reasons.setdefault(outcome, {})[reason] = count
    return {
        "processed": outcomes.total(),
        "outcomes": {outcome: outcomes[outcome] for outcome in OUTCOMES if outcomes[outcome]},
        "reasons": reasons,
    }


def format_summary(tally: Tally, *, dry_run: bool) -> list[str]:
    """The tally as lines for people."""
    lines = _format_outcomes(tally)
    if tally.greetings:
        lines.append(_format_greetings(tally))
    if tally.imported:
        lines.append(_format_counts("to be imported" if dry_run else "imported", tally.imported))
    if tally.left_out:
        lines.append(_format_counts("left out, as it is no voicemail", tally.left_out))
    lines += [f"note: {sentence}" for sentence in tally.warnings]
    lines += [f"error: {problem.sentence}" for problem in tally.problems]
    rate = tally.processed / tally.seconds if tally.seconds else 0
    lines.append(
        f"{tally.accounts_done:,} accounts, {format_size(tally.bytes)} of audio, "
        f"{tally.seconds:,.1f} seconds, {rate:,.0f} messages per second"
        + ("; dry run: nothing was written" if dry_run else "")
    )
    return lines


def format_size(count: int) -> str:
    """A number of bytes, for people."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1_000:
            return f"{amount:,.0f} {unit}"
        amount /= 1_000
    return f"{amount:,.1f} GB"


def _format_outcomes(tally: Tally) -> list[str]:
    """A table: outcome, reason, count and meaning."""
    cells = [("outcome", "reason", "entries", "")]
    for name, meaning in OUTCOMES.items():
        for (outcome, reason), count in sorted(tally.outcomes.items()):
            if outcome == name:
                cells.append((outcome, reason, f"{count:,}", REASONS.get(reason, "") if reason else meaning))
    cells.append(("processed", "", f"{tally.processed:,}", ""))
    return _align(cells)


def _format_greetings(tally: Tally) -> str:
    counts = sorted(tally.greetings.items(), key=lambda item: (list(OUTCOMES).index(item[0][0]), item[0][1]))
    parts = [f"{count:,} {outcome}" + (f" ({reason})" if reason else "") for (outcome, reason), count in counts]
    return f"greetings and other media: {', '.join(parts)}"


def _align(cells: Sequence[tuple[str, str, str, str]]) -> list[str]:
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    return [
        f"{outcome:<{widths[0]}}  {reason:<{widths[1]}}  {count:>{widths[2]}}  {text}".rstrip()
        for outcome, reason, count, text in cells
    ]


def _format_counts(title: str, counts: Counter[str]) -> str:
    return f"{title}: " + ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))
