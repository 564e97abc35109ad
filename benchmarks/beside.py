"""``make bench``: each call beside the bare requests, one row per concurrency."""

from benchmarks import plot, report
from benchmarks.calls import CALLS
from benchmarks.data import Size, World
from benchmarks.measuring import Row
from benchmarks.session import Session


def run(session: Session) -> None:
    """Measure, print, save: also what there is by then when something is in the way, or Ctrl-C ends it."""
    rows: list[Row] = []
    print(report.about(session.about), report.heading(), sep="\n", flush=True)
    try:
        _measure(session, rows)
    finally:
        if rows:
            _save(session, rows)


def _measure(session: Session, rows: list[Row]) -> None:
    options = session.options
    with World(session.service.url, Size.read(), report.aside) as world:
        for name, make in CALLS.items():
            if not options.wants(name):
                continue
            call = make(world, session.bare)
            # What takes seconds is measured at each concurrency only by who has the time.
            hurried = call.heavy and not options.full and len(options.concurrencies) > 1
            for concurrency in options.concurrencies[:1] if hurried else options.concurrencies:
                rows.append(options.plan.measure(session.service, call, concurrency))
                print(report.line(rows[-1]), flush=True)


def _save(session: Session, rows: list[Row]) -> None:
    print(report.summary(rows))
    file = session.options.file("bench")
    report.save(file.with_suffix(".json"), session.about, [row.as_json() for row in rows])
    plot.beside(file.with_suffix(".png"), session.about, rows)
    print(f"Saved {file}.json and .png")
