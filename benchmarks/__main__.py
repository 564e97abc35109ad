"""``make bench`` and ``make bench-growth``: start the servers, measure, and clean up."""

import signal
import sys
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from benchmarks import comparison, growth
from benchmarks.client import BenchmarkError
from benchmarks.session import Options, session

_COMMANDS = {"compare": comparison.compare_calls, "growth": growth.measure_growth}


def main() -> None:
    """Run to the end, or until Ctrl-C or SIGTERM. Exits with status 1 and one sentence if it can't measure."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    measure = _COMMANDS[sys.argv[1] if len(sys.argv) > 1 else "compare"]
    try:
        options = Options.read()
        with tempfile.TemporaryDirectory(prefix="vmboxes-bench-") as name:
            folder = Path(name)
            try:
                with session(folder, options) as running_session:
                    measure(running_session)
            except BenchmarkError:
                _print_errors(folder)
                raise
    except KeyboardInterrupt:
        sys.exit("\nStopped; the accounts of this run are removed.")
    except (BenchmarkError, ImproperlyConfigured) as failure:
        sys.exit(f"Not measured: {failure}")


def _print_errors(folder: Path) -> None:
    """Print the last errors from the servers' logs: they say why nothing could be measured."""
    for log in folder.glob("*.log"):
        lines = [line for line in log.read_text(errors="replace").splitlines() if '"INFO"' not in line]
        print(f"--- {log.name} ---", *lines[-20:], sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
