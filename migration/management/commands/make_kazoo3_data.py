"""``manage.py make_kazoo3_data``: make accounts as Kazoo 3.x left them, to try the migration on."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.api.exception_handler import api_error
from couch.errors import CouchError
from migration.samples import systems, writers
from storage import gregorian

_UNTIL = "2016-05-31"


class Command(BaseCommand):
    """Writes into the served CouchDB, or a folder of backups; prints a line per account."""

    help = (
        "Makes accounts as a Kazoo 3.x left them: users, mailboxes with their arrays of messages, media documents "
        "with real speech, and things that are no voicemail. The same seed and numbers make the same data; what is "
        "there already stays. Writes into the CouchDB of COUCHDB_URL, or with --folder into backup files. Every "
        f"user's password is {systems.PASSWORD!r}."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the command line."""
        parser.add_argument("--accounts", metavar="N", type=_parse_count, default=2, help="how many accounts; 2")
        parser.add_argument("--boxes", metavar="N", type=_parse_count, default=5, help="mailboxes per account; 5")
        parser.add_argument(
            "--messages", metavar="N", type=_parse_count, default=20, help="messages in each mailbox; 20"
        )
        parser.add_argument(
            "--dirt",
            metavar="PART",
            type=_parse_part,
            default=0.1,
            help="part of the messages and mailboxes that have a fault, from 0 to 1; 0.1",
        )
        parser.add_argument(
            "--audio-kb",
            metavar="N",
            type=_parse_count,
            default=0,
            help="kilobytes of each recording; 0 for 5 to 32, as the recordings are",
        )
        parser.add_argument("--seed", default="1", help="any text; another seed makes other data; 1")
        parser.add_argument(
            "--until", metavar="DATE", type=_parse_day, default=_UNTIL, help=f"the day of the last message; {_UNTIL}"
        )
        parser.add_argument(
            "--days",
            metavar="N",
            type=_parse_count,
            default=365,
            help="days before it over which messages are spread; 365",
        )
        parser.add_argument(
            "--folder", metavar="DIR", type=Path, help="write backup files into this folder, not into CouchDB"
        )
        parser.add_argument(
            "--format", choices=writers.FORMATS, default="all_docs", help="how backup files are written; all_docs"
        )
        parser.add_argument("--gzip", action="store_true", help="pack the backup files")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the accounts; CommandError if CouchDB refuses them."""
        plan = systems.Plan(
            accounts=options["accounts"],
            boxes=options["boxes"],
            messages=options["messages"],
            until=options["until"],
            days=max(options["days"], 1),
            dirt=options["dirt"],
            audio_kb=options["audio_kb"],
            seed=options["seed"],
        )

        def print_line(account: systems.SampleAccount) -> None:
            self.stdout.write(f"{account.doc['_id']}  {account.doc['realm']}  {account.doc['name']}")

        folder: Path | None = options["folder"]
        try:
            if folder is None:
                writers.write_to_couchdb(systems.make_accounts(plan), print_line)
            else:
                writers.write_to_folder(
                    systems.make_accounts(plan), folder, options["format"], options["gzip"], print_line
                )
        except CouchError as error:
            raise CommandError(f"CouchDB refuses: {api_error(error).message}") from error
        except (writers.WriteFailed, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{plan.accounts} accounts, {plan.accounts * plan.boxes} mailboxes, ", ending="")
        self.stdout.write(f"{plan.accounts * plan.boxes * plan.messages} entries of messages")


def _parse_count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ArgumentTypeError("must not be less than 0")
    return number


def _parse_part(text: str) -> float:
    part = float(text)
    if not 0 <= part <= 1:
        raise ArgumentTypeError("must be between 0 and 1")
    return part


def _parse_day(text: str) -> int:
    try:
        last = date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is no date like {_UNTIL}") from error
    return gregorian.from_datetime(datetime(last.year, last.month, last.day, 23, 59, 59, tzinfo=UTC))
