"""``make bench`` and ``make bench-growth``: start all that is needed, measure, and clean up."""

import signal
import sys
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from benchmarks import beside, growth
from benchmarks.client import Failed
from benchmarks.session import Options, session

_KINDS = {"beside": beside.run, "growth": growth.run}


def main() -> None:
    """Run until done, Ctrl-C or SIGTERM; exits with status 1 and a sentence when something is in the way."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run = _KINDS[sys.argv[1] if len(sys.argv) > 1 else "beside"]
    try:
        options = Options.read()
        with tempfile.TemporaryDirectory(prefix="vmboxes-bench-") as name:
            folder = Path(name)
            try:
                with session(folder, options) as started:
                    run(started)
            except Failed:
                _tell_of(folder)
                raise
    except KeyboardInterrupt:
        sys.exit("\nStopped; what was made is taken away.")
    except (Failed, ImproperlyConfigured) as failure:
        sys.exit(f"Not measured: {failure}")


def _tell_of(folder: Path) -> None:
    """What the servers said of their errors, for who wants to know why nothing could be measured."""
    for log in folder.glob("*.log"):
        lines = [line for line in log.read_text(errors="replace").splitlines() if '"INFO"' not in line]
        print(f"--- {log.name} ---", *lines[-20:], sep="\n", file=sys.stderr)


if __name__ == "__main__":
    main()
