"""What was found, as text for people and as JSON for machines."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from doctor.findings import Severity, count
from doctor.outcome import Entry, SubjectReport, exit_status

_SHOWN_SUBJECTS = 5
_JSON_SUBJECTS = 1_000
_STATUS = ("fine", "warnings", "errors")


class Style(Protocol):
    """Colours of a terminal: of Django's command style, or none."""

    def ERROR(self, text: str) -> str: ...  # noqa: N802 - Django's names

    def WARNING(self, text: str) -> str: ...  # noqa: N802

    def SUCCESS(self, text: str) -> str: ...  # noqa: N802


def format_text(reports: Sequence[SubjectReport], style: Style) -> str:
    """Return a report for people: the subjects with the worst findings first, then what is fine."""
    lines: list[str] = []
    for report in sorted(reports, key=lambda report: report.worst.rank):
        if report.entries:
            lines += [
                _subject_title(report),
                *(line for entry in report.entries for line in _format_entry(entry, style)),
                "",
            ]
    fine = [report for report in reports if not report.entries and not report.reason_unchecked]
    if fine:
        lines.append(style.SUCCESS("Fine: ") + ", ".join(map(_subject_title, fine)) + ".")
    for reason in dict.fromkeys(report.reason_unchecked for report in reports if report.reason_unchecked):
        titles = ", ".join(report.title for report in reports if report.reason_unchecked == reason)
        lines.append(style.WARNING("Not checked: ") + f"{titles}, since {reason}.")
    return "\n".join([*lines, _format_totals(reports, style)])


def format_json(reports: Sequence[SubjectReport]) -> str:
    """Return a report for machines."""
    members = {
        "status": _STATUS[exit_status(reports)],
        "exit_status": exit_status(reports),
        "checked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "findings": [_json_members(report, entry) for report in reports for entry in report.entries],
        "subjects": [
            {
                "subject": report.name,
                "summary": report.summary,
                "checked": not report.reason_unchecked,
                "reason": report.reason_unchecked,
            }
            for report in reports
        ],
    }
    return json.dumps(members, indent=2)


def _json_members(report: SubjectReport, entry: Entry) -> dict[str, Any]:
    finding = entry.finding
    return {
        "severity": finding.severity.value,
        "subject": report.name,
        "key": finding.key,
        "problem": finding.problem,
        "advice": finding.advice,
        "about": list(finding.subjects[:_JSON_SUBJECTS]),
        "about_count": finding.subject_count,
        "fixable": finding.repair is not None,
        "fixed": entry.is_fixed,
        "repairs": entry.repairs[:_JSON_SUBJECTS],
        "failure": entry.failure,
    }


def _subject_title(report: SubjectReport) -> str:
    return report.title + (f" ({report.summary})" if report.summary else "")


def _format_entry(entry: Entry, style: Style) -> Iterable[str]:
    finding = entry.finding
    word = f"{'fixed' if entry.is_fixed else finding.severity.value:<8}"
    colours = {Severity.ERROR: style.ERROR, Severity.WARNING: style.WARNING}
    colour = style.SUCCESS if entry.is_fixed else colours.get(finding.severity, str)
    yield f"  {colour(word)} {_clean(finding.problem)} [{finding.key}]"
    indent = " " * 11
    yield from (indent + _clean(text) for text in finding.subjects[:_SHOWN_SUBJECTS])
    if finding.subject_count > _SHOWN_SUBJECTS:
        yield f"{indent}and {finding.subject_count - _SHOWN_SUBJECTS:,} more"
    if not entry.is_fixed:
        yield f"{indent}→ {_clean(finding.advice)}"
    yield from (indent + style.SUCCESS(_clean(text)) for text in entry.repairs[:_SHOWN_SUBJECTS])
    if len(entry.repairs) > _SHOWN_SUBJECTS:
        yield f"{indent}and {len(entry.repairs) - _SHOWN_SUBJECTS:,} more repairs"
    if entry.failure:
        yield indent + style.ERROR(f"It could not be repaired: {_clean(entry.failure)}.")


def _format_totals(reports: Iterable[SubjectReport], style: Style) -> str:
    entries = [entry for report in reports for entry in report.entries]
    open_severities = [entry.finding.severity for entry in entries if not entry.is_fixed]
    errors, warnings = open_severities.count(Severity.ERROR), open_severities.count(Severity.WARNING)
    fixed = sum(entry.is_fixed for entry in entries)
    text = f"{count(errors, 'error', 'errors')}, {count(warnings, 'warning', 'warnings')}"
    colour = style.ERROR if errors else style.WARNING if warnings else style.SUCCESS
    return colour(text + (f", {fixed:,} fixed" if fixed else "") + ".")


def _clean(text: str) -> str:
    """A text without characters that would move a terminal's cursor or colour it."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
