"""The calls that are measured, in the order of the tables.

The docstring of each says what the API is asked to do, and after "bare" what CouchDB is asked to do for the same.
"""

from collections.abc import Callable, Mapping

from benchmarks import audio, many_accounts, reading, writing
from benchmarks.client import Address
from benchmarks.data import Dataset, Tenant
from benchmarks.measuring import Call

CALLS: Mapping[str, Callable[[Dataset, Address], Call]] = {
    "get box": reading.get_box,
    "get message": reading.get_message,
    "list boxes": reading.list_boxes,
    "list messages": reading.list_messages,
    "list deep page": reading.list_deep_page,
    "list filtered": reading.list_filtered,
    "create message": writing.create_message,
    "create with audio": audio.create_with_audio,
    "raw": audio.download,
    "raw large": audio.download_large,
    "upload large": audio.upload_large,
    "change folder": writing.change_folder,
    "change folder of many": writing.change_folder_of_many,
    "move": audio.move_messages,
    "ZIP": audio.download_zip,
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
"""Calls measured in accounts of several sizes. Those that change the account come last."""

IN_MANY_ACCOUNTS: Mapping[str, Callable[[list[Tenant], Address], Call]] = {
    "get box": many_accounts.get_box,
    "get message": many_accounts.get_message,
    "list boxes": many_accounts.list_boxes_in_turn,
    "list messages": many_accounts.list_messages_in_turn,
    "log in": many_accounts.log_in,
    "create message": many_accounts.create_message,
}
"""Calls measured with several numbers of accounts. Each request goes to the next account."""
