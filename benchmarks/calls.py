"""All calls that are measured, in the order of the table."""

from collections.abc import Callable

from benchmarks import reading, writing
from benchmarks.client import Address
from benchmarks.data import World
from benchmarks.measuring import Call

CALLS: dict[str, Callable[[World, Address], Call]] = {
    "get box": reading.get_box,
    "get message": reading.get_message,
    "list boxes": reading.list_boxes,
    "list messages": reading.list_messages,
    "list deep page": reading.deep_page,
    "list filtered": reading.filtered,
    "create message": writing.create_message,
    "raw 100 KB": reading.raw,
    "change folder of 1": writing.change_one,
    "change folder of many": writing.change_many,
}
