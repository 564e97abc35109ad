"""``manage.py create_account``: a new account with its first administrator."""

from argparse import ArgumentParser
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError

from accounts import creation, users
from accounts.api.exception_handler import api_error
from accounts.auth import credentials
from couch.database import Document
from couch.errors import CouchError
from crossbar.errors import ApiError, ValidationFailed


class Command(BaseCommand):
    """Prints the account as one JSON object: account_id, user_id, api_key, name, realm."""

    help = "Creates an account and its first administrator, and prints both as one JSON object."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the command line."""
        parser.add_argument("name", metavar="NAME", help="name of the account")
        parser.add_argument("realm", metavar="REALM", help="its realm (SIP domain), unique among all accounts")
        parser.add_argument("username", metavar="USERNAME", help="user name of its administrator")
        parser.add_argument("password", metavar="PASSWORD", help="the administrator's password")
        parser.add_argument("--parent", metavar="ID", help="the account it is created below")
        parser.add_argument(
            "--superduper-admin",
            action="store_true",
            help="its administrators may act on all accounts; the first such account becomes the master",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Create both; CommandError (exit status 1) says what is wrong."""
        new_users: list[Document] = []
        administrator = {
            "username": options["username"],
            "password": options["password"],
            "first_name": "Account",
            "last_name": "Admin",
            "priv_level": "admin",
        }
        try:
            account = creation.create(
                {"name": options["name"], "realm": options["realm"]},
                parent_id=options["parent"],
                superduper_admin=options["superduper_admin"],
                prepare=lambda account_id: new_users.append(users.create(account_id, administrator)),
            )
        except (ApiError, CouchError) as error:
            raise CommandError(_message_of(api_error(error))) from error
        summary = {
            "account_id": account["_id"],
            "user_id": new_users[0]["_id"],
            "api_key": credentials.api_key(account),
            "name": account["name"],
            "realm": account["realm"],
        }
        self.stdout.write(orjson.dumps(summary).decode())


def _message_of(error: ApiError) -> str:
    """Return an error as a sentence for a terminal, without the values that were entered."""
    if not isinstance(error, ValidationFailed):
        return f"{error.message}: {error.data.get('cause') or error.data.get('message') or ''}"
    return "; ".join(
        f"{field}: {details.get('message', rule)}"
        for field, rules in error.data.items()
        for rule, details in rules.items()
    )
