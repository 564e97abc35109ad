"""``manage.py migrate_kazoo3``: messages of a Kazoo 3.x become messages in MODbs. docs/migration.md is its guide."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.api.exception_handler import api_error
from couch.client import Couch, couch
from couch.errors import CouchError, Unreachable
from crossbar.errors import ApiError
from migration import display, migrate, purging, reporting, sources, verifying
from migration.backups.folder import Backups, Unreadable
from migration.migrate import Options, Unknown
from migration.progress import PATIENCE, Tally, Watch
from migration.signals import stopping
from migration.sources import CouchSource, FolderSource, Source
from storage import database_names

_HELP = """\
Makes messages in MODbs of what a Kazoo 3.x left: the array `messages` in each mailbox, and the media documents
beside it. Each message is stored with its audio in one write and read again; only then does its entry leave the
array. Media documents stay until --purge. Whatever stops it, even kill -9: the same command goes on where it was,
and stores nothing twice. Mailboxes may be used meanwhile.

  migrate_kazoo3 --dry-run                 what would become of every message; writes nothing
  migrate_kazoo3                           all accounts of the CouchDB in COUCHDB_URL
  migrate_kazoo3 --source /srv/backups     from backup files: accounts, users and mailboxes, too
  migrate_kazoo3 --verify                  reads both sides again and compares
  migrate_kazoo3 --purge                   deletes the media documents that are safe to delete

Exit status: 0 when all is well, 1 when anything failed, differs or is missing, 2 when the command line is wrong,
130 or 143 when it was stopped by Ctrl-C or SIGTERM (it ends the batches under way first; once more stops it at once).
What can't be migrated stays in its mailbox's array, marked with `migration_error`; docs/migration.md lists why.
"""


class _Formatter(RawDescriptionHelpFormatter):
    """Keeps the lines of the description as they are."""


class Command(BaseCommand):
    """Migrates, verifies or purges; shows how it goes on stderr, and a summary on stdout."""

    help = _HELP
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Django's parser, but for the help's lines, which stay as they are."""
        return super().create_parser(prog_name, subcommand, formatter_class=_Formatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The command line."""
        parser.add_argument(
            "--account", metavar="ID", action="append", default=[], help="only this account; repeatable"
        )
        parser.add_argument(
            "--box", metavar="ID", action="append", default=[], help="only this mailbox; can be repeated"
        )
        parser.add_argument(
            "--source",
            metavar="URL|DIR",
            help="another CouchDB (http://USER:PASSWORD@HOST:5984), or a folder of backups, one file per database: "
            "_all_docs with include_docs and attachments, JSON lines, or what couchbackup writes; also with gzip. "
            "It is only read. Accounts, users and mailboxes that are missing here are brought over, and nothing here "
            "is overwritten. Without it: the CouchDB in COUCHDB_URL",
        )
        parser.add_argument("--dry-run", action="store_true", help="tell what would become of it all, write nothing")
        parser.add_argument(
            "--link-audio",
            action="store_true",
            help="leave the audio where it is, and link to it; a later run without this brings the audio as well",
        )
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument(
            "--verify", action="store_true", help="migrate nothing: compare what is here with what it came from"
        )
        mode.add_argument(
            "--purge",
            action="store_true",
            help="migrate nothing: delete the media documents whose audio is in a MODb, verified now, and that no "
            "mailbox's entry, greeting or link needs",
        )
        parser.add_argument(
            "--workers", metavar="N", type=_positive, default=4, help="mailboxes worked on side by side; 4"
        )
        parser.add_argument(
            "--batch", metavar="N", type=_positive, default=200, help="messages of a mailbox at a time; 200"
        )
        parser.add_argument(
            "--report", metavar="FILE", type=_report, help="write a line per message to FILE: .json or .csv"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits as the help says; CommandError for what can't even begin."""
        _check(options)
        with ExitStack() as stack:
            shown = display.display(sys.stderr, quiet=options["verbosity"] < 1)
            report = stack.enter_context(_reported(options["report"]))
            watch = Watch(shown.show, report.row if report else lambda row: None, PATIENCE)
            signals = stack.enter_context(stopping(watch))
            try:
                source = stack.enter_context(self._source(options["source"]))
                tally = _operation(options)(source, _options(options), watch)
            except (Unknown, Unreadable) as error:
                raise CommandError(f"{error}.") from error
            except Unreachable as error:
                raise CommandError(
                    "CouchDB does not answer any more. What is done is done: run the same command again to go on."
                ) from error
            except (ApiError, CouchError) as error:
                refusal = api_error(error)
                raise CommandError(
                    f"CouchDB refuses: {refusal.message} {refusal.data.get('cause', '')}".strip()
                ) from error
            finally:
                shown.close()
            if report:
                report.end(tally)
        self._tell(tally, options, signals)

    def _tell(self, tally: Tally, options: dict[str, Any], signals: list[int]) -> None:
        for line in reporting.table(tally, dry_run=options["dry_run"]):
            self.stdout.write(line)
        if tally.stopped and signals:
            self.stdout.write("Stopped before the end. Run the same command again to go on; nothing is done twice.")
            sys.exit(128 + signals[0])
        if reporting.has_faults(tally):
            sys.exit(1)

    @contextmanager
    def _source(self, named: str | None) -> Iterator[Source]:
        """The source; CommandError when it can't be read."""
        _require_access(couch(), settings.COUCHDB_URL, "COUCHDB_URL")
        if named is None:
            yield sources.served()
        elif named.startswith(("http://", "https://")):
            timeouts = {"connect_timeout": settings.COUCHDB_CONNECT_TIMEOUT}
            server = Couch(named, read_timeout=settings.COUCHDB_READ_TIMEOUT, **timeouts)
            _require_access(server, named, "--source")
            if _place(named) == _place(settings.COUCHDB_URL):
                raise CommandError("--source is the CouchDB in COUCHDB_URL: leave it out to migrate in place.")
            yield CouchSource(server, is_served=False)
        else:
            folder = Path(named)
            if not folder.is_dir():
                raise CommandError(f"--source {named} is neither a URL nor a folder.")
            source = FolderSource(Backups(folder))
            try:
                yield source
            finally:
                source.close()


def _check(options: dict[str, Any]) -> None:
    """CommandError for what makes no sense together, or names nothing."""
    for account_id in options["account"]:
        if not database_names.is_account_id(account_id):
            raise CommandError(f"{account_id} is no account id: 32 lower-case hex digits.", returncode=2)
    if options["link_audio"] and options["source"]:
        raise CommandError("--link-audio is for migrating in place, not from a --source.", returncode=2)
    if options["purge"] and options["source"]:
        raise CommandError("--purge deletes media documents here; a --source is only read.", returncode=2)
    if options["purge"] and options["box"]:
        raise CommandError("--purge looks at whole accounts: use --account.", returncode=2)


def _operation(options: dict[str, Any]) -> Callable[[Source, Options, Watch], Tally]:
    if options["verify"]:
        return verifying.verify
    return purging.purge if options["purge"] else migrate.migrate


def _options(options: dict[str, Any]) -> Options:
    return Options(
        accounts=tuple(options["account"]),
        boxes=tuple(options["box"]),
        dry_run=options["dry_run"],
        link=options["link_audio"],
        workers=options["workers"],
        batch=options["batch"],
    )


@contextmanager
def _reported(path: Path | None) -> Iterator[reporting.Report | None]:
    if path is None:
        yield None
        return
    try:
        with reporting.Report(path) as report:
            yield report
    except OSError as error:
        raise CommandError(f"The report can't be written: {error}") from error


def _place(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _require_access(server: Couch, url: str, name: str) -> None:
    """CommandError when a CouchDB does not answer, or doesn't let us in."""
    host = urlsplit(url).hostname
    try:
        status = server.call("GET", "_all_dbs", params={"limit": 1}, allow=(401, 403)).status
    except CouchError as error:
        raise CommandError(f"CouchDB at {host} ({name}) does not answer.") from error
    if status in (401, 403):
        raise CommandError(
            f"CouchDB at {host} ({name}) does not let this user list its databases: it takes an administrator."
        )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


def _report(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in reporting.SUFFIXES:
        raise ArgumentTypeError("must end with .json or .csv")
    return path
