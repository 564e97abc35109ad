"""Runs the checks of subjects one after the other, whatever fails on the way, and then the repairs."""

from collections.abc import Container, Iterable
from contextlib import nullcontext

from django.db import DatabaseError, connection

from couch.errors import (
    CircuitOpen,
    CouchError,
    MissingDatabase,
    MissingView,
    NotConnected,
    TimedOut,
    Unreachable,
)
from couch.time_limits import silence_limited_to
from doctor.checks.couchdb import describe_silence, find_outage
from doctor.checks.services import TablesAway, require_tables
from doctor.findings import Finding, error, warning
from doctor.outcome import Entry, SubjectReport
from doctor.scope import Scope
from doctor.subjects import DATA, Check, Need, Subject

_SILENCE_SECONDS = 4.0
_DATA_SILENCE_SECONDS = 10.0
_AWAY = (TimedOut, NotConnected, CircuitOpen)


class Examination:
    """An examination in progress: it remembers whom it asked in vain."""

    def __init__(self, scope: Scope, ignored: Container[str] = ()) -> None:
        self._scope, self._ignored = scope, ignored
        self._reasons: dict[Need, str] = {}
        self._is_known_up: set[Need] = set()

    def examine(self, subjects: Iterable[Subject]) -> list[SubjectReport]:
        """Run the checks of subjects; one report for each."""
        return [self._examine(subject) for subject in subjects]

    def _examine(self, subject: Subject) -> SubjectReport:
        report = SubjectReport(subject.name, subject.title)
        self._scope.show_progress(subject.title)
        self._require(subject.need, report)
        for check in subject.checks:
            if reason := self._reasons.get(subject.need):
                report.reason_unchecked = reason
                break
            self._run(subject, check, report)
        report.summary = self._scope.summary.get(subject.name, "")
        report.entries.sort(key=lambda entry: entry.finding.severity.rank)
        return report

    def _require(self, need: Need, report: SubjectReport) -> None:
        """Find out, the first time, whether somebody answers whom the checks are going to ask."""
        if need in self._is_known_up or need in self._reasons:
            return
        self._is_known_up.add(need)
        if need is Need.COUCHDB:
            with silence_limited_to(_SILENCE_SECONDS):
                outage = find_outage()
            if outage is not None:
                self._add(report, outage)
                self._reasons[need] = "CouchDB can't be asked"
        elif need is Need.TABLES:
            try:
                require_tables()
                connection.ensure_connection()
            except (TablesAway, DatabaseError) as failure:
                self._note_tables_away(failure, report)

    def _run(self, subject: Subject, check: Check, report: SubjectReport) -> None:
        is_couchdb_asked = subject.need is Need.COUCHDB
        seconds = _DATA_SILENCE_SECONDS if subject is DATA else _SILENCE_SECONDS
        try:
            with silence_limited_to(seconds) if is_couchdb_asked else nullcontext():
                for finding in check(self._scope):
                    self._add(report, finding)
        except (MissingDatabase, MissingView) as failure:
            report.reason_unchecked = f"there is no {failure}"
        except _AWAY as failure:
            self._note_couchdb_away(failure, report)
        except DatabaseError as failure:
            self._note_tables_away(failure, report)
        except CouchError as failure:
            self._add_failure(report, check, f"CouchDB refuses it ({failure})")
        except Exception as failure:  # one broken check must not hide what the others find
            self._add_failure(report, check, f"{type(failure).__name__}: {failure}")

    def _note_couchdb_away(self, failure: Unreachable, report: SubjectReport) -> None:
        self._add(report, describe_silence(failure))
        self._reasons[Need.COUCHDB] = report.reason_unchecked = "CouchDB can't be asked"

    def _note_tables_away(self, failure: Exception, report: SubjectReport) -> None:
        if Need.TABLES in self._reasons:
            return
        problem = f"Django's database can't be asked: {' '.join(str(failure).split())}."
        advice = (
            "Start it, or correct DATABASE_URL; ./manage.py migrate makes the tables. Without it nobody can sign in."
        )
        self._add(report, error("tables_away", problem, advice))
        self._reasons[Need.TABLES] = report.reason_unchecked = "Django's database can't be asked"

    def _add_failure(self, report: SubjectReport, check: Check, reason: str) -> None:
        name = check.__name__.removeprefix("check_").replace("_", " ")
        problem = f"The check of {name} failed: {' '.join(reason.split())[:300]}."
        self._add(report, warning("check_failed", problem, "Run it again; if it fails again, please report it."))

    def _add(self, report: SubjectReport, finding: Finding) -> None:
        if finding.key not in self._ignored:
            report.entries.append(Entry(finding))


def repair(reports: Iterable[SubjectReport]) -> None:
    """Repair what is safe to repair, and note in the entries what was done."""
    entries = [entry for report in reports for entry in report.entries if entry.finding.repair is not None]
    done: dict[int, Entry] = {}
    for entry in entries:
        repair_function = entry.finding.repair
        if repair_function is None:
            continue
        if previous := done.get(id(repair_function)):  # several findings, one repair
            entry.is_fixed, entry.failure = previous.is_fixed, previous.failure
            continue
        done[id(repair_function)] = entry
        try:
            entry.repairs = repair_function()
            entry.is_fixed = True
        except Exception as failure:  # a repair that fails must not keep the others from being done
            entry.failure = f"{type(failure).__name__}: {' '.join(str(failure).split())}"
