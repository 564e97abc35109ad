"""What came of a migration: a file with a line per entry, and a summary for people."""

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
#: Outcomes in the order of the summary, and what each one means.
OUTCOMES = {
    "migrated": "stored in its month, with its audio",
    "linked": "stored in its month, its audio linked",
    "resolved": "had a link, and has its audio now",
    "copied": "was in its month there, and is here now as it was",
    "present": "was there already",
    "verified": "is whole: metadata and audio as they were",
    "changed": "was used since: moved, removed, another folder or audio",
    "marked": "can't be migrated, and waits in its mailbox, marked",
    "purged": "its old media document is deleted",
    "kept": "its old media document stays",
    "unclaimed": "audio of 3.x that no message and no entry names",
    "differing": "is not what it was",
    "missing": "is not there",
    "extra": "is there, and should not be",
    "failed": "is not migrated: it stays where it was",
}
FAULTS = frozenset({"differing", "missing", "extra", "failed"})


class Report:
    """A file with a row per entry, written as they come; JSON or CSV, as its name ends. A context manager.

    It appears under its name when it is whole; until then it is beside it, with ``.part`` after its name. OSError.
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

    def row(self, row: Row) -> None:
        """Write one row."""
        if self._is_csv:
            self._csv.writerow(map(format_cell, asdict(row).values()))
        else:
            self._file.write((",\n" if self._count else "\n") + json.dumps(asdict(row)))
        self._count += 1

    def end(self, tally: Tally) -> None:
        """Write the summary (JSON only), and put the file in its place."""
        if not self._is_csv:
            self._file.write('\n], "summary": ' + json.dumps(summary(tally), indent=2) + "}\n")
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
    return bool(tally.problems) or any(outcome in FAULTS for outcome, _ in tally.outcomes)


def summary(tally: Tally) -> dict[str, Any]:
    """The tally as JSON: numbers by outcome and by reason, what was brought and left out, what is wrong."""
    reasons: dict[str, dict[str, int]] = {}
    for (outcome, reason), count in sorted(tally.outcomes.items()):
        if reason:
            reasons.setdefault(outcome, {})[reason] = count
    return {
        "processed": sum(tally.outcomes.values()),
        "outcomes": {outcome: tally.count(outcome) for outcome in OUTCOMES if tally.count(outcome)},
        "reasons": reasons,
        "accounts": tally.accounts_done,
        "bytes": tally.bytes,
        "seconds": round(tally.seconds, 1),
        "brought": dict(tally.brought),
        "left_out": dict(tally.left_out),
        "problems": [asdict(problem) for problem in tally.problems],
        "warnings": tally.warnings,
        "stopped": tally.stopped,
    }


def table(tally: Tally, *, dry_run: bool) -> list[str]:
    """The summary as lines for people."""
    rows = [
        (outcome, reason, count, OUTCOMES.get(outcome, "") if not reason else REASONS.get(reason, ""))
        for outcome in OUTCOMES
        for (found, reason), count in sorted(tally.outcomes.items())
        if found == outcome
    ]
    cells = [("outcome", "reason", "entries", "")] + [(o, r, f"{c:,}", t) for o, r, c, t in rows]
    cells.append(("processed", "", f"{sum(tally.outcomes.values()):,}", ""))
    lines = _aligned(cells)
    lines += (
        [_counted("brought over" if not dry_run else "to be brought over", tally.brought)] if tally.brought else []
    )
    lines += [_counted("left out, as it is no voicemail", tally.left_out)] if tally.left_out else []
    lines += [f"note: {sentence}" for sentence in tally.warnings]
    lines += [f"error: {problem.sentence}" for problem in tally.problems]
    rate = sum(tally.outcomes.values()) / tally.seconds if tally.seconds else 0
    lines.append(
        f"{tally.accounts_done:,} accounts, {size(tally.bytes)} of audio, "
        f"{tally.seconds:,.1f} seconds, {rate:,.0f} messages a second"
        + ("; dry run: nothing was written" if dry_run else "")
    )
    return lines


#: Reasons for an outcome, and what each one means.
REASONS = {
    "no_media_id": "the entry names no media document",
    "no_audio": "the media document, or its audio, is missing or deleted",
    "broken_audio": "the audio can't be read to its end",
    "too_large": "CouchDB takes no attachment of that size",
    "refused": "CouchDB refused it: see the log",
    "conflict": "others kept changing it: run again",
    "entry": "a mailbox's entry or greeting needs it",
    "link": "a message's audio is linked to it",
    "not_copied": "its message has no audio of its own",
    "audio_differs": "its message has other audio",
    "not_migrated": "run the migration",
    "deleted": "its message was deleted from its month's database",
}


def size(count: int) -> str:
    """A number of bytes, for people."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1_000:
            return f"{amount:,.0f} {unit}"
        amount /= 1_000
    return f"{amount:,.1f} GB"


def _counted(title: str, counts: Counter[str]) -> str:
    return f"{title}: " + ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))


def _aligned(cells: Sequence[tuple[str, str, str, str]]) -> list[str]:
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    return [
        f"{outcome:<{widths[0]}}  {reason:<{widths[1]}}  {count:>{widths[2]}}  {text}".rstrip()
        for outcome, reason, count, text in cells
    ]
