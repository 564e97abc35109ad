"""Many mailboxes of an account at once: all of them read together, and changes planned one after the other.

A plan knows what the changes before it do: whoever stores the planned changes in their order gets what was planned,
as long as nobody else changes the mailboxes.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts import accounts
from couch.database import Document
from storage import view_names
from voicemail.mailboxes import numbers
from voicemail.mailboxes import store as mailbox_store

_PAGE = 500


@dataclass(frozen=True)
class PlannedChange:
    """A mailbox before and after a change; `before` is empty for a new one."""

    box_id: str
    before: Document
    after: Document


class NumberUsed(Exception):
    """Another mailbox has a number, as it is stored or as an earlier change leaves it."""

    def __init__(self, number: str, holder: Document) -> None:
        super().__init__(number)
        self.number = number
        self.holder = holder


class TooManyMailboxes(Exception):
    """The account would have more mailboxes than MAILBOXES_PER_ACCOUNT."""


def list_documents(account_id: str) -> Iterator[Document]:
    """The documents of an account's live mailboxes, by name."""
    database = accounts.database_of(account_id)
    for row in database.stream_view(*view_names.MAILBOXES_BY_NAME, page=_PAGE, include_docs=True):
        if mailbox_store.is_live(row.get("doc")):
            yield row["doc"]


class Plan:
    """The mailboxes of an account as the planned changes leave them."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self._boxes = {box["_id"]: box for box in list_documents(account_id)}
        self._holders = {number: box["_id"] for box in self._boxes.values() for number in numbers.of(box)}

    def find(self, box_id: str) -> Document | None:
        """The mailbox with an id."""
        return self._boxes.get(box_id)

    def find_by_number(self, number: str) -> Document | None:
        """The mailbox that has a number as its own or as an alias."""
        return self._boxes.get(self._holders.get(number, ""))

    def add(self, box_id: str | None, patch: Mapping[str, Any]) -> PlannedChange:
        """Plan a new mailbox with members, or (with an id) to merge them into a mailbox.

        Raises ValidationFailed, NumberUsed and TooManyMailboxes; then nothing is planned.
        """
        before = self._boxes[box_id] if box_id is not None else {}
        new_id = box_id or uuid.uuid4().hex
        after = {**mailbox_store.preview(self._account_id, before, patch), "_id": new_id}
        for number in sorted(numbers.of(after) - numbers.of(before)):
            if holder := self.find_by_number(number):
                raise NumberUsed(number, holder)
        limit = settings.MAILBOXES_PER_ACCOUNT
        if not before and limit and len(self._boxes) >= limit:
            raise TooManyMailboxes
        for number in numbers.of(before) - numbers.of(after):
            self._holders.pop(number, None)
        self._holders |= dict.fromkeys(numbers.of(after), new_id)
        self._boxes[new_id] = after
        return PlannedChange(new_id, before, after)
