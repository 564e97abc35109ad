"""``manage.py export_personal_data``: everything that is held of a caller, a user or an account, as a ZIP."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from couch.errors import CouchError
from crossbar.errors import ApiError
from erasure.export import subjects
from erasure.export.archive import zip_export
from erasure.export.subjects import Subject


class Command(BaseCommand):
    """Writes a ZIP that its owner alone can read."""

    help = (
        "Writes all that is held of a person or an account to a ZIP: the documents as JSON, the recordings, mails, "
        "and a page to read. It has nothing of anybody else, no PINs and no passwords."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add whose data it is, and where it goes."""
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--caller", metavar="NUMBER", action="append", help="a caller's number (repeatable)")
        whose.add_argument("--user", metavar="ACCOUNT/USER", help="a user, by the ids of the account and the user")
        whose.add_argument("--account", metavar="ID", help="an account")
        parser.add_argument(
            "--in-account", metavar="ID", action="append", help="only a caller's messages in this one"
        )
        parser.add_argument("destination", type=Path, help="the file to write, which must not exist")

    def handle(self, *, destination: Path, **options: Any) -> None:
        """Write the ZIP; half of one is removed again."""
        try:
            subject = _subject(options)
            descriptor = os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise CommandError(f"{destination} exists already.") from None
        except OSError as error:
            raise CommandError(str(error)) from error
        except ApiError as error:
            raise CommandError(f"There is no such account, user or number: {error.data.get('cause', '')}") from error
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in zip_export(subject):
                    file.write(chunk)
        except CouchError as error:
            destination.unlink()
            raise CommandError(f"CouchDB fails: {error}") from error
        except BaseException:
            destination.unlink()
            raise
        self.stdout.write(f"{destination} has {len(subject.document_ids)} documents of {subject.title}.")


def _subject(options: dict[str, Any]) -> Subject:
    if options["caller"]:
        return subjects.of_caller(options["caller"], options["in_account"])
    if options["user"]:
        account_id, _, user_id = options["user"].partition("/")
        return subjects.of_user(account_id, user_id)
    return subjects.of_account(options["account"])
