"""``manage.py migrate_kazoo3``: migrate messages of Kazoo 3.x into MODbs. Its guide is docs/migration.md."""

import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from couch.client import Couch, couch
from couch.errors import CouchError, Unreachable
from crossbar.errors import ApiError
from migration import report
from migration.backups.folder import BackupFolder, UnreadableSource
from migration.backups.source import FolderSource
from migration.couchdb_source import CouchSource, served_source
from migration.display import choose_display
from migration.migrate import migrate
from migration.outages import describe_error
from migration.progress import Progress, Tally, stop_on_signals
from migration.purge import purge
from migration.same_couchdb import is_same_couchdb
from migration.sources import Source
from migration.survey import RunOptions, UnknownId
from migration.verify import verify
from storage import database_names

_HELP = """\
Migrates the messages of a Kazoo 3.x into MODbs: the array `messages` in each mailbox, and the media documents beside
it. Each message is stored with its audio in one write and read again; only then does its entry leave the array.
Media documents stay until --purge. Whatever stops it, even kill -9: the same command continues where it was, and
stores nothing twice. Mailboxes may be used meanwhile.

  migrate_kazoo3 --dry-run                 what would become of every message; writes nothing
  migrate_kazoo3                           all accounts of the CouchDB in COUCHDB_URL
  migrate_kazoo3 --source /srv/backups     from backup files: accounts, users, greetings, too
  migrate_kazoo3 --verify                  reads both sides again and compares
  migrate_kazoo3 --purge                   deletes the media documents that are safe to delete

Exit status: 0 if all is well; 1 if anything failed, differs or is missing; 2 if the command line is wrong; 130 or 143
if it was stopped by Ctrl-C or SIGTERM. The first signal lets the batches under way end, a second one stops at once.
What can't be migrated stays in its mailbox's array, marked with `migration_error`; docs/migration.md lists why.
"""


class _Formatter(RawDescriptionHelpFormatter):
    """Leaves the lines of the description as they are."""


class Command(BaseCommand):
    """Migrates, verifies or purges; shows its progress on stderr, and a summary on stdout."""

    help = _HELP
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> Any:
        """Django's parser, which leaves the lines of the help as they are."""
        return super().create_parser(prog_name, subcommand, formatter_class=_Formatter, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the command line."""
        parser.add_argument(
            "--account", metavar="ID", action="append", default=[], help="only this account; repeatable"
        )
        parser.add_argument("--box", metavar="ID", action="append", default=[], help="only this mailbox; repeatable")
        parser.add_argument(
            "--source",
            metavar="URL|PATH",
            help="another CouchDB (http://USER:PASSWORD@HOST:5984), or a folder or file of backups: _all_docs with "
            "include_docs and attachments, JSON lines, or what couchbackup writes; also packed (gzip, bzip2, xz, "
            "zstd) and in archives (tar, zip). Each document goes to the account that it names. "
            "It is only read. Accounts, users, mailboxes, greetings and other media that are missing here are "
            "imported, and nothing here is overwritten. Without it: the CouchDB in COUCHDB_URL",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="report what would become of every message; write nothing"
        )
        parser.add_argument(
            "--link-audio",
            action="store_true",
            help="leave the audio where it is, and link to it; a later run without this option copies the audio",
        )
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument(
            "--verify", action="store_true", help="migrate nothing: compare what is here with what it came from"
        )
        mode.add_argument(
            "--purge",
            action="store_true",
            help="migrate nothing: delete the media documents that no mailbox's entry, greeting or link needs, and "
            "whose audio is in a MODb, which is verified now",
        )
        parser.add_argument(
            "--workers", metavar="N", type=_parse_positive, default=4, help="mailboxes migrated at once; 4"
        )
        parser.add_argument(
            "--batch", metavar="N", type=_parse_positive, default=200, help="messages of a mailbox per batch; 200"
        )
        parser.add_argument(
            "--report",
            metavar="FILE",
            type=_parse_report_path,
            help="write a line per message to FILE: .json or .csv",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run. Exits with the status that the help lists; CommandError if it can't start."""
        _check_options(options)
        with ExitStack() as stack:
            display = choose_display(sys.stderr, quiet=options["verbosity"] < 1)
            file = stack.enter_context(_open_report(options["report"]))
            progress = Progress(display.show, file.add_row if file else lambda row: None)
            signals = stack.enter_context(stop_on_signals(progress))
            try:
                source = stack.enter_context(_open_source(options["source"]))
                tally = _choose_operation(options)(source, _run_options(options), progress)
            except (UnknownId, UnreadableSource) as error:
                raise CommandError(f"{error}.") from error
            except Unreachable as error:
                raise CommandError(
                    "CouchDB does not answer any more. What is done is done: run the same command again to continue."
                ) from error
            except (ApiError, CouchError) as error:
                raise CommandError(f"CouchDB refuses: {describe_error(error)}") from error
            finally:
                display.close()
            if file:
                file.complete(tally)
        self._print_summary(tally, options, signals)

    def _print_summary(self, tally: Tally, options: dict[str, Any], signals: list[int]) -> None:
        for line in report.format_summary(tally, dry_run=options["dry_run"]):
            self.stdout.write(line)
        if tally.is_stopped and signals:
            self.stdout.write(
                "Stopped before the end. Run the same command again to continue; nothing is done twice."
            )
            sys.exit(128 + signals[0])
        if report.has_faults(tally):
            sys.exit(1)


def _check_options(options: dict[str, Any]) -> None:
    """Raise CommandError for options that don't go together, and ids that are none."""
    for account_id in options["account"]:
        if not database_names.is_account_id(account_id):
            raise CommandError(f"{account_id} is no account id: 32 lower-case hex digits.", returncode=2)
    if options["link_audio"] and options["source"]:
        raise CommandError("--link-audio is for migrating in place, not from a --source.", returncode=2)
    if options["purge"] and options["source"]:
        raise CommandError("--purge deletes media documents here; a --source is only read.", returncode=2)
    if options["purge"] and options["box"]:
        raise CommandError("--purge works on whole accounts: use --account.", returncode=2)


def _choose_operation(options: dict[str, Any]) -> Callable[[Source, RunOptions, Progress], Tally]:
    if options["verify"]:
        return verify
    return purge if options["purge"] else migrate


def _run_options(options: dict[str, Any]) -> RunOptions:
    return RunOptions(
        accounts=tuple(options["account"]),
        boxes=tuple(options["box"]),
        dry_run=options["dry_run"],
        link=options["link_audio"],
        workers=options["workers"],
        batch=options["batch"],
    )


@contextmanager
def _open_source(url_or_folder: str | None) -> Iterator[Source]:
    """The source that ``--source`` names; CommandError if it can't be read."""
    _require_access(couch(), settings.COUCHDB_URL, "COUCHDB_URL")
    if url_or_folder is None:
        yield served_source()
    elif url_or_folder.startswith(("http://", "https://")):
        connect_timeout, read_timeout = settings.COUCHDB_CONNECT_TIMEOUT, settings.COUCHDB_READ_TIMEOUT
        server = Couch(url_or_folder, connect_timeout=connect_timeout, read_timeout=read_timeout)
        _require_access(server, url_or_folder, "--source")
        _require_other_couchdb(server, url_or_folder)
        yield CouchSource(server, is_served=False)
    else:
        path = Path(url_or_folder)
        if not path.is_dir() and not path.is_file():
            raise CommandError(f"--source {url_or_folder} is neither a URL nor a folder or file.")
        source = FolderSource(BackupFolder(path))
        try:
            yield source
        finally:
            source.close()


@contextmanager
def _open_report(path: Path | None) -> Iterator[report.Report | None]:
    if path is None:
        yield None
        return
    try:
        with report.Report(path) as file:
            yield file
    except OSError as error:
        raise CommandError(f"The report can't be written: {error}") from error


def _host_and_port(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _require_other_couchdb(server: Couch, url: str) -> None:
    """Raise CommandError if a source is the CouchDB that this project serves, whatever its address."""
    try:
        is_same = _host_and_port(url) == _host_and_port(settings.COUCHDB_URL) or is_same_couchdb(server, couch())
    except CouchError as error:
        raise CommandError(f"CouchDB at {urlsplit(url).hostname} (--source) does not answer.") from error
    if is_same:
        raise CommandError("--source is the CouchDB in COUCHDB_URL: leave it out to migrate in place.")


def _require_access(server: Couch, url: str, name: str) -> None:
    """Raise CommandError if a CouchDB does not answer, or refuses the user."""
    host = urlsplit(url).hostname
    try:
        is_administrator = server.is_administrator()
    except CouchError as error:
        raise CommandError(f"CouchDB at {host} ({name}) does not answer.") from error
    if not is_administrator:
        raise CommandError(
            f"CouchDB at {host} ({name}) does not let this user list its databases: it takes an administrator."
        )


def _parse_positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("must be at least 1")
    return number


def _parse_report_path(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in report.SUFFIXES:
        raise ArgumentTypeError("must end with .json or .csv")
    return path
