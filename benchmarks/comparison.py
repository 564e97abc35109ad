"""``make bench``: compare each call with the bare CouchDB requests, one row per concurrency."""

from benchmarks import plot, report
from benchmarks.calls import CALLS
from benchmarks.data import Dataset, Size
from benchmarks.measuring import Row
from benchmarks.session import Session


def compare_calls(session: Session) -> None:
    """Measure, print and save. After an error or Ctrl-C, save the rows measured by then."""
    rows: list[Row] = []
    print(report.describe(session.about), report.heading(), sep="\n", flush=True)
    try:
        _measure_calls(session, rows)
    finally:
        if rows:
            _save_report(session, rows)


def _measure_calls(session: Session, rows: list[Row]) -> None:
    options = session.options
    with Dataset(session.service.url, Size.read(), report.print_progress) as dataset:
        for name, make in CALLS.items():
            if not options.wants(name):
                continue
            call = make(dataset, session.bare)
            # A call that takes seconds is measured at one concurrency only, except in a full run.
            only_once = call.heavy and not options.full and len(options.concurrencies) > 1
            for concurrency in options.concurrencies[:1] if only_once else options.concurrencies:
                rows.append(options.plan.measure(session.service, call, concurrency))
                print(report.format_row(rows[-1]), flush=True)


def _save_report(session: Session, rows: list[Row]) -> None:
    print(report.target_summary(rows))
    file = session.options.file("bench")
    report.save_json(file.with_suffix(".json"), session.about, [row.as_json() for row in rows])
    plot.save_comparison(file.with_suffix(".png"), session.about, rows)
    print(f"Saved {file}.json and .png")
