"""What the commands have in common: options, the display, signals, errors and exit statuses."""

import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backup.layout import DamagedBackup, NotABackup
from backup.places import PlaceError
from backup.progress import Display, Progress, format_counts
from backup.tables import TablesInUse
from couch.errors import CouchError, Unreachable
from crossbar.errors import ApiError
from migration.outages import describe_error
from migration.progress import Stopped, stop_on_signals
from storage import database_names

_AGAIN = "What is done is done: run the same command again to continue."
_SHOWN = 20


def parse_positive(text: str) -> int:
    """A number of at least 1."""
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


def account_ids(texts: Sequence[str]) -> tuple[str, ...]:
    """Ids of accounts, each once, in order. Raises CommandError for what is none."""
    for text in texts:
        if not database_names.is_account_id(text):
            raise CommandError(f"{text} is no account id: 32 lower-case hex digits.", returncode=2)
    return tuple(sorted(set(texts)))


@contextmanager
def running(command: BaseCommand, options: dict[str, Any]) -> Iterator[Progress]:
    """Show the progress of the work in the ``with`` block, and then a summary.

    Exits with 1 if there were faults, with 130 or 143 if a signal stopped the work; CommandError for its errors.
    """
    display = Display(sys.stderr, quiet=options["verbosity"] < 1)
    progress = Progress(display.show)
    with stop_on_signals(progress) as signals:
        try:
            yield progress
        except Stopped:
            command.stdout.write(f"Stopped before the end. {_AGAIN}")
            sys.exit(128 + signals[0])
        except (PlaceError, NotABackup, DamagedBackup, TablesInUse) as error:
            raise CommandError(f"{error}.") from error
        except Unreachable as error:
            raise CommandError(f"CouchDB does not answer any more. {_AGAIN}") from error
        except (ApiError, CouchError) as error:
            raise CommandError(f"CouchDB refuses: {describe_error(error)}") from error
        except OSError as error:
            raise CommandError(f"{error}. {_AGAIN}") from error
        finally:
            display.close()
    tally = progress.tally
    command.stdout.write(format_counts(tally))
    for note in tally.notes[:_SHOWN]:
        command.stdout.write(note)
    if len(tally.notes) > _SHOWN:
        command.stdout.write(f"{len(tally.notes):,} notes, of which {_SHOWN} are shown.")
    for fault in tally.faults[:_SHOWN]:
        command.stderr.write(fault)
    if tally.faults:
        command.stderr.write(f"{len(tally.faults):,} faults.")
        sys.exit(1)
