"""All calls that are measured, in the order of the tables."""

from collections.abc import Callable, Mapping

from benchmarks import crowd, reading, sound, writing
from benchmarks.client import Address
from benchmarks.data import Tenant, World
from benchmarks.measuring import Call

CALLS: Mapping[str, Callable[[World, Address], Call]] = {
    "get box": reading.get_box,
    "get message": reading.get_message,
    "list boxes": reading.list_boxes,
    "list messages": reading.list_messages,
    "list deep page": reading.deep_page,
    "list filtered": reading.filtered,
    "create message": writing.create_message,
    "create with audio": sound.create_with_audio,
    "raw": sound.raw,
    "raw large": sound.raw_large,
    "upload large": sound.upload_large,
    "change folder": writing.change_one,
    "change folder of many": writing.change_many,
    "move": sound.move,
    "ZIP": sound.archive,
    "log in": reading.log_in,
}

IN_ONE_ACCOUNT = (
    "get box",
    "get message",
    "list boxes",
    "list messages",
    "list deep page",
    "list filtered",
    "log in",
    "change folder",
    "change folder of many",
    "create message",
    "create with audio",
    "move",
)
"""Those whose growth with an account's messages is measured, what changes the account last."""

IN_MANY_ACCOUNTS: Mapping[str, Callable[[list[Tenant], Address], Call]] = {
    "get box": crowd.get_box,
    "get message": crowd.get_message,
    "list boxes": crowd.list_boxes,
    "list messages": crowd.list_messages,
    "log in": crowd.log_in,
    "create message": crowd.create_message,
}
"""Those whose growth with the number of accounts is measured; each request goes to the next account."""
