"""What the views of messages share."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeVar

from rest_framework.request import Request

from accounts.auth import cache as auth_cache
from accounts.auth.permissions import AccountViewSet
from couch.client import Document
from crossbar.envelope import Reply
from crossbar.errors import ApiError, BadIdentifier, DatastoreConflict, ValidationFailed
from crossbar.multipart import Part
from voicemail.audio.upload import NO_FILE
from voicemail.legacy import on_access
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import metadata, retention
from voicemail.messages import store as message_store
from voicemail.permissions import require_change_box, require_see_box

Answered = TypeVar("Answered")


class BoxesView(AccountViewSet):
    """A view of boxes, or of what is in them."""

    settings_needed = (retention.CATEGORY,)  # which counts and messages are shown by
    documents_in_path = ("box_id",)

    def box(self, box_id: str) -> Document:
        """The box as it is; BadIdentifier. What was looked up for this request is that once only."""
        found = self.looked_up.get(box_id)
        if found is None:
            return mailbox_store.get(self.account_id, box_id)
        self.looked_up = {}
        return mailbox_store.required(found, box_id)


class MessagesView(BoxesView):
    """A view of messages of a box."""

    @cached_property
    def addressed(self) -> Mapping[str, Any]:
        """The account, as far as its messages tell of it: its id, realm and time zone, some seconds old at most."""
        known = auth_cache.get_account(self.account_id)
        return {"_id": self.account_id, "realm": known.realm, "timezone": known.timezone}

    def box_to_see(self, box_id: str) -> Document:
        """The box, for a caller who may look into it; BadIdentifier, Forbidden."""
        box = self.box(box_id)
        require_see_box(self.identity, box)
        return box

    def reading(self, box_id: str, answer: Callable[[Document], Answered]) -> Answered:
        """What `answer` makes of one message of a box that the caller may look into.

        An administrator, who may look into all of them, needs no fresh look at a box that was there a moment ago,
        and whose message still is: boxes take theirs along when they are removed. Whatever isn't found that way is
        looked for again in the box as it is.
        """
        known = self.known_box(box_id)
        if known is not None:
            with suppress(BadIdentifier):
                return answer(known)
        return answer(self.fresh_box(box_id))

    def known_box(self, box_id: str) -> Document | None:
        """The box as it was a moment ago, for an administrator, to look for live messages in; None when unknown."""
        return mailbox_store.remembered(self.account_id, box_id) if self.identity.is_admin else None

    def fresh_box(self, box_id: str) -> Document:
        """The box as it is, which is a `known_box` for a while; BadIdentifier, Forbidden."""
        box = self.box_to_see(box_id)
        mailbox_store.remember(self.account_id, box)
        return box

    def box_to_fill(self, box_id: str) -> Document:
        """The box to change, as it was a moment ago: who stores something in it looks again afterwards."""
        known = self.known_box(box_id)
        if known is None:
            known = self.box_to_change(box_id)
            mailbox_store.remember(self.account_id, known)
        return known

    def box_to_change(self, box_id: str) -> Document:
        """The box, for a caller who may change what is in it; BadIdentifier, Forbidden."""
        box = self.box(box_id)
        require_change_box(self.identity, box)
        return box

    def current_id(self, box: Document, message_id: str, *, audio_optional: bool = False) -> str:
        """The id of a message, which a message in the format of 3.x gets now; BadIdentifier when that fails.

        `audio_optional`: its audio may be missing and needn't be copied.
        """
        return on_access.current_id(self.addressed, box, message_id, self.actor, audio_optional=audio_optional)

    def shown(self, doc: Document, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        """One message's metadata."""
        data = metadata.representation(doc, retention.limit(self.account_id))
        return Reply(data, status=status, revision=doc["_rev"], headers=headers)

    def guard(self, doc: Document) -> None:
        """Lets a change pass when the caller saw the revision that it is made on, if it said one."""
        self.check_if_match(doc["_rev"])


def the_one(media: list[Part]) -> Part:
    """The one media part of an upload; ValidationFailed when there is none, or more."""
    if len(media) > 1:
        message = "Please provide a single media file"
        raise ValidationFailed.field("file", "maxItems", message, target=1, value=len(media))
    if not media:
        raise ValidationFailed.field("file", "required", NO_FILE)
    return media[0]


def message_ids(data: dict[str, Any]) -> list[str] | None:
    """The message ids of a payload, None when it has no such member; ValidationFailed for no list of texts."""
    if "messages" not in data:
        return None
    ids = data["messages"]
    if not isinstance(ids, list):
        message = "Value did not match type(s): array"
        raise ValidationFailed.field("messages", "type", message, target="array", value=ids)
    for index, one in enumerate(ids):
        if not isinstance(one, str):
            message = "Value did not match type(s): string"
            raise ValidationFailed.field(f"messages.{index}", "type", message, target="string", value=one)
    return ids


def required_ids(data: dict[str, Any]) -> list[str]:
    """The message ids of a payload that has to name some; ValidationFailed."""
    ids = message_ids(data)
    if not ids:
        raise ValidationFailed.field("messages", "required", "No array of message ids are specified")
    return ids


def asked_folder(request: Request, data: dict[str, Any]) -> Any:
    """The folder that a request names in its query, or else in its payload; None when it names none."""
    query: str | None = request.query_params.get("folder")
    return data.get("folder") if query is None else query


def failure(message_id: str, reason: str) -> ApiError:
    """Why the one message of a request was not changed, as an error."""
    if reason == "not_found":
        return BadIdentifier(message_id)
    if reason == "conflict":
        return DatastoreConflict()
    explanation = retention.MESSAGE if reason == retention.REASON else "the message can't be changed so"
    return message_store.Refused(reason, message_id, explanation)
