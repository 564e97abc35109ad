"""``/v2/accounts/{ACCOUNT_ID}/vmboxes/messages``, and ``messages`` and ``messages/{VM_MSG_ID}`` of a box."""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

from django.conf import settings
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from couch.client import Document
from crossbar.csv_renderer import CsvRenderer
from crossbar.envelope import EnvelopeRenderer, Reply
from crossbar.errors import BadIdentifier, ValidationFailed
from crossbar.filters import parse_filters
from crossbar.pages import PageRequest, time_range
from crossbar.upload import read_upload
from storage import gregorian
from voicemail.api.base import MessagesView, asked_folder, failure, message_ids, required_ids, the_one
from voicemail.audio.upload import Upload
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import bulk, folders, metadata, move, retention
from voicemail.messages import listing as message_listing
from voicemail.messages import store as message_store
from voicemail.messages.batches import Outcome
from voicemail.permissions import may_see_box


class _Listing(MessagesView):
    """What listing messages takes."""

    def get_renderers(self) -> list[BaseRenderer]:
        """A listing also comes as CSV."""
        return [EnvelopeRenderer(), CsvRenderer()] if self.action == "list" else super().get_renderers()

    def shows(self, box_id: str) -> bool:
        """Whether the caller may look into the box of a message."""
        return True

    def listing(self, request: Request, box: Document | None) -> Reply:
        """A page of a box's messages, or with no box of the account's, where each entry names its box."""
        query = request.query_params
        wanted = PageRequest.from_query(query)
        now = gregorian.now()
        time = time_range(query, now=now, default_from=retention.limit(self.account_id, now))
        page = message_listing.page(
            self.account_id, box, wanted, time, parse_filters(query), query.get("folder"), self.shows
        )
        wrapped = wanted.wrapped or box is None
        entries = [{entry.box_id: entry.summary} if wrapped else entry.summary for entry in page.entries]
        extra: dict[str, Any] = {"page_size": len(entries) if wanted.size is None else wanted.size}
        if start_key := query.get("start_key"):
            extra["start_key"] = start_key
        if page.next_start_key is not None:
            extra["next_start_key"] = page.next_start_key
        elif wanted.wrapped:
            extra["next_start_key"] = []  # what the API document shows on the last page
        return Reply(entries, extra=extra)


class AccountMessagesViewSet(_Listing):
    """The messages of all boxes of an account."""

    def list(self, request: Request, account_id: str) -> Reply:
        """The messages, newest first, in pages."""
        return self.listing(request, None)

    def shows(self, box_id: str) -> bool:
        """Administrators see the messages of all boxes, others those of boxes that they may look into."""
        return self.identity.is_admin or self._may_see(box_id)

    @cached_property
    def _may_see(self) -> Callable[[str], bool]:
        @cache  # a page has many messages of few boxes
        def may_see(box_id: str) -> bool:
            try:
                return may_see_box(self.identity, mailbox_store.get(self.account_id, box_id))
            except BadIdentifier:
                return False

        return may_see


class _Changing(MessagesView):
    """What changing messages takes."""

    def apply(self, box: Document, ids: list[str], data: dict[str, Any]) -> Outcome:
        """Move, copy or put messages into a folder, as the payload says. Raises BadIdentifier, ValidationFailed."""
        if "source_id" not in data:
            folder = asked_folder(self.request, data)
            return bulk.change_folder(
                self.addressed, box, ids, folder if isinstance(folder, str) else None, self.actor
            )
        target = data["source_id"]
        if not target:
            raise ValidationFailed.field("source_id", "required", "Field is required but missing", value=target)
        if isinstance(target, str):
            return move.move_messages(self.addressed, box, ids, self.box_to_change(target), self.actor)
        if isinstance(target, list) and all(isinstance(one, str) and one for one in target):
            boxes = [self.box_to_change(one) for one in dict.fromkeys(target)]
            return move.copy_messages(self.addressed, box, ids, boxes, self.actor)
        message = "Value did not match type(s): string, array"
        raise ValidationFailed.field("source_id", "type", message, target="string, array", value=target)


class MessagesViewSet(_Listing, _Changing):
    """The messages of a box."""

    def list(self, request: Request, account_id: str, box_id: str) -> Reply:
        """The messages, newest first, in pages."""
        known = self.known_box(box_id)
        reply = None if known is None else self.listing(request, known)
        if reply is not None and reply.data:
            return reply
        # Whether there is nothing in the box, or no box any more, only a fresh look tells.
        box = self.fresh_box(box_id)
        return self.listing(request, box) if reply is None or box.get("messages") else reply

    def create(self, request: Request, account_id: str, box_id: str) -> Reply:
        """A new message, by its metadata alone or together with its audio."""
        box = self.box_to_fill(box_id)
        if self.is_upload:
            body = read_upload(request, settings.MAX_UPLOAD_BYTES)
            part = the_one(body.media)
            fields = metadata.validate(body.json or {})
            upload = Upload.from_part(part, self.account_id, box)
            doc = message_store.create(self.addressed, box, fields, upload, self.actor)
        else:
            doc = message_store.create(self.addressed, box, metadata.validate(self.data), actor=self.actor)
        path = f"/v2/accounts/{self.account_id}/vmboxes/{box_id}/messages/{doc['_id']}"
        return self.shown(doc, status=201, headers={"Location": request.build_absolute_uri(path)})

    def change_many(self, request: Request, account_id: str, box_id: str) -> Reply:
        """The messages that the payload names, moved, copied or put into a folder."""
        box = self.box_to_change(box_id)
        return _told(self.apply(box, required_ids(self.data), self.data))

    def remove_many(self, request: Request, account_id: str, box_id: str) -> Reply:
        """The messages that the payload names, or else those of a folder, or else all, removed."""
        box = self.box_to_change(box_id)
        data = self.envelope.data
        ids = message_ids(data)
        folder = asked_folder(request, data)
        if folder is not None and (not isinstance(folder, str) or not folder):
            # Taken for "all folders", a slip of the client's would empty the box.
            message = "Value not found in enumerated list of values"
            raise ValidationFailed.field("folder", "enum", message, target=list(folders.FOLDERS), value=folder)
        return _told(bulk.remove_messages(self.addressed, box, ids, folder, self.actor))


class MessageViewSet(_Changing):
    """One message of a box."""

    def retrieve(self, request: Request, account_id: str, box_id: str, message_id: str) -> Reply:
        """The message's metadata."""

        def read(box: Document) -> Document:
            return message_store.read(self.account_id, box_id, self.current_id(box, message_id))[1]

        return self.shown(self.reading(box_id, read))

    def change(self, request: Request, account_id: str, box_id: str, message_id: str) -> Reply:
        """The message in its new folder, or as it is in the box it was moved to; of copies, what became of each."""
        box = self.box_to_change(box_id)
        message_id = self.current_id(box, message_id)
        self._check_revision(box_id, message_id)
        data = self.envelope.data
        outcome = self.apply(box, [message_id], data)
        target = data.get("source_id") or box_id
        if isinstance(target, list) and outcome.succeeded:
            return _told(outcome)
        changed_id = _succeeded(outcome, message_id)
        return self.shown(
            outcome.documents.get(changed_id) or message_store.get(self.account_id, target, changed_id)[1]
        )

    def destroy(self, request: Request, account_id: str, box_id: str, message_id: str) -> Reply:
        """The message's metadata, now that it is removed."""
        box = self.box_to_change(box_id)
        message_id = self.current_id(box, message_id, audio_optional=True)
        self._check_revision(box_id, message_id)
        outcome = bulk.remove_messages(self.addressed, box, [message_id], None, self.actor)
        return self.shown(outcome.documents[_succeeded(outcome, message_id)])

    def _check_revision(self, box_id: str, message_id: str) -> None:
        """PreconditionFailed when the caller says which revision it saw, and that is no longer the stored one."""
        if "If-Match" in self.request.headers:
            self.guard(message_store.get(self.account_id, box_id, message_id)[1])


def _told(outcome: Outcome) -> Reply:
    return Reply({"succeeded": outcome.succeeded, "failed": outcome.failed})


def _succeeded(outcome: Outcome, message_id: str) -> str:
    """The id of the one message of a request after its change; an error when that failed."""
    if not outcome.succeeded:
        reasons = [reason for failed in outcome.failed for reason in failed.values()]
        raise failure(message_id, reasons[0] if reasons else "not_found")
    return outcome.succeeded[0]
