"""What the path of a backup's file says about the database that it is a backup of.

Operators and tools name files in many ways: plain, with ``%2F`` for the slashes, encoded twice, in folders, with
dates.
"""

import re
from typing import NamedTuple
from urllib.parse import unquote

from storage import database_names

_SEPARATOR = r"(?:/|%2F|%2f|[_.:+~ -])"
_ACCOUNT = re.compile(
    rf"(?<![0-9A-Za-z])account{_SEPARATOR}([0-9a-f]{{2}}){_SEPARATOR}([0-9a-f]{{2}}){_SEPARATOR}([0-9a-f]{{28}})"
    r"(?:-(\d{4}(?:0[1-9]|1[0-2])))?(?![0-9a-f])"
)
_ID = re.compile(r"(?<![0-9A-Za-z])([0-9a-f]{32})(?:-(\d{4}(?:0[1-9]|1[0-2])))?(?![0-9A-Za-z])")
_SYSTEM = re.compile(rf"(?:^|[/_.:+~ -])({'|'.join(database_names.SYSTEM)})(?=[/_.:+~ -]|$)")


class StatedName(NamedTuple):
    """The plain name of a database that a path states."""

    database: str
    id: str | None = None
    """The id that the path has instead of the database's name. It may be that of a document, too."""


def parse_path(path: str) -> StatedName | None:
    """The database that the path of a file, with its folders, states; None if it states none."""
    decoded_path = unquote(unquote(path))
    matches = list(_ACCOUNT.finditer(decoded_path))
    if matches:
        return StatedName(_database_name("".join(matches[-1].group(1, 2, 3)), matches[-1].group(4)))
    segments = decoded_path.split("/")
    system = _SYSTEM.search(segments[-1])
    for segment in reversed(segments):
        match = _ID.search(segment)
        if match:
            return StatedName(_database_name(match.group(1), match.group(2)), match.group(1))
        if system and segment is segments[-1]:
            return StatedName(system.group(1))
    return None


def _database_name(account_id: str, month: str | None) -> str:
    return database_names.modb(account_id, month) if month else database_names.account_db(account_id)
