"""``make bench``, ``bench-growth``, ``bench-events``, ``bench-search``: start the servers, measure, and clean up."""

import signal
import sys
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from benchmarks.client import BenchmarkError
from benchmarks.session import Options, Session, session


def main() -> None:
    """Run to the end, or until Ctrl-C or SIGTERM. Exits with status 1 and one sentence if it can't measure."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if sys.argv[1:] == ["search"]:  # which needs no server
            from benchmarks.search import measure_search

            measure_search()
            return
        options = Options.read()
        with tempfile.TemporaryDirectory(prefix="vmboxes-bench-") as name:
            folder = Path(name)
            try:
                with session(folder, options) as running_session:
                    _measure(running_session, sys.argv[1:], folder)
            except BenchmarkError:
                _print_errors(folder)
                raise
    except KeyboardInterrupt:
        sys.exit("\nStopped; the accounts of this run are removed.")
    except (BenchmarkError, ImproperlyConfigured) as failure:
        sys.exit(f"Not measured: {failure}")


def _measure(running_session: Session, arguments: list[str], folder: Path) -> None:
    # Not at the top: Django REST framework reads the settings when it is imported, and they read the environment,
    # which is complete only once the session has set it up.
    from benchmarks.comparison import compare_calls
    from benchmarks.events import measure_events
    from benchmarks.growth import measure_growth

    if arguments == ["events"]:
        measure_events(running_session, folder)
    else:
        (measure_growth if arguments == ["growth"] else compare_calls)(running_session)


def _print_errors(folder: Path) -> None:
    """Print the last errors from the servers' logs: they say why nothing could be measured."""
    for log in folder.glob("*.log"):
        lines = [line for line in log.read_text(errors="replace").splitlines() if '"INFO"' not in line]
        print(f"--- {log.name} ---", *lines[-20:], sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
