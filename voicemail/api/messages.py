"""``/v2/accounts/{ACCOUNT_ID}/vmboxes/messages``, and ``messages`` and ``messages/{VM_MSG_ID}`` of a mailbox."""

from collections.abc import Callable
from functools import cache, cached_property
from typing import Any

from django.conf import settings
from rest_framework.request import Request

from accounts.api.viewset import location
from couch.database import Document
from crossbar.envelope import EnvelopeParser, EnvelopeResponse
from crossbar.errors import BadIdentifier, ValidationFailed
from crossbar.filters import parse_filters
from crossbar.pages import Page, PageRequest, parse_time_range
from crossbar.pagination import StartKeyPagination
from crossbar.upload import UploadParser
from storage import gregorian
from voicemail import permissions
from voicemail.api.base import MessageViewSetBase, failure, message_ids, required_ids, single_media
from voicemail.audio import content_types
from voicemail.audio.upload import Upload
from voicemail.mailboxes import listing as mailbox_listing
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import bulk, folders, metadata, move, quota, retention
from voicemail.messages import listing as message_listing
from voicemail.messages import store as message_store
from voicemail.messages.batches import Outcome


class _MessagePagination(StartKeyPagination):
    """Pages of messages, which have an empty ``next_start_key`` at the end where the API document shows one."""

    def get_paginated_response(self, data: list[Any]) -> EnvelopeResponse:
        """Return the entries of a page."""
        response = super().get_paginated_response(data)
        if self.page_request.is_paginated:
            response.members.setdefault("next_start_key", [])
        return response


class _MessageList(MessageViewSetBase):
    """Lists messages."""

    csv_name = "messages"
    pagination_class = _MessagePagination

    def is_listed(self, box_id: str) -> bool:
        """Whether messages of that mailbox belong to the listing."""
        return True

    def page_response(self, box: Document | None, boxes: list[Document] | None = None) -> EnvelopeResponse:
        """Return a page of a mailbox's messages.

        Without a mailbox, of those in `boxes`, or in all of the account, each with its mailbox's id.
        """

        if box is not None:
            self.csv_name = f"messages_{content_types.safe_text(mailbox_store.number(box)) or box['_id']}"

        def read_page(page_request: PageRequest) -> Page[dict[str, Any]]:
            query, now = self.request.query_params, gregorian.now()
            time = parse_time_range(query, now=now, default_from=retention.limit(self.account_id, now))
            filters, folder = parse_filters(query), query.get("folder")
            is_filtered = bool(folder) or not filters.is_empty or not self.identity.is_admin
            page = message_listing.list_messages(
                self.account_id,
                box,
                page_request,
                time,
                filters,
                folder,
                self.is_listed,
                boxes=boxes,
                max_rows=settings.FILTERED_ROWS if is_filtered else None,
            )
            has_box_ids = box is None or page_request.is_paginated
            summaries = [{entry.box_id: entry.summary} if has_box_ids else entry.summary for entry in page.entries]
            return Page(summaries, page.next_start_key)

        return self.get_paginated_response(self.paginate_queryset(read_page))


class AccountMessagesViewSet(_MessageList):
    """The messages of all mailboxes of an account, or of a user."""

    def list(self, request: Request, **scope: str) -> EnvelopeResponse:
        """List the messages, the newest first, in pages."""
        if self.owner_id is None:
            return self.page_response(None)
        return self.page_response(None, mailbox_listing.find_owned(self.account_id, self.owner_id))

    def is_listed(self, box_id: str) -> bool:
        """Whether messages of that mailbox belong to the listing: of any one for administrators."""
        return self.identity.is_admin or self._may_see(box_id)

    @cached_property
    def _may_see(self) -> Callable[[str], bool]:
        @cache  # a page has many messages of few mailboxes
        def may_see(box_id: str) -> bool:
            try:
                return permissions.may_see_box(self.identity, mailbox_store.get(self.account_id, box_id))
            except BadIdentifier:
                return False

        return may_see


class _MessageChanges(MessageViewSetBase):
    """Changes messages."""

    def apply(self, box: Document, ids: list[str], data: dict[str, Any]) -> Outcome:
        """Move, copy or put messages into a folder, as the payload says; raises BadIdentifier, ValidationFailed."""
        if "source_id" not in data:
            folder = self.requested_folder()
            name = folder if isinstance(folder, str) else None
            return bulk.change_folder(self.account_info, box, ids, name, self.actor)
        target = data["source_id"]
        if not target:
            raise ValidationFailed.field("source_id", "required", "Field is required but missing", value=target)
        if isinstance(target, str):
            return move.move_messages(self.account_info, box, ids, self.get_mailbox(target), self.actor)
        if isinstance(target, list) and all(isinstance(box_id, str) and box_id for box_id in target):
            box_ids = list(dict.fromkeys(target))
            move.require_few_copies(ids, box_ids)
            boxes = [self.get_mailbox(box_id) for box_id in box_ids]
            return move.copy_messages(self.account_info, box, ids, boxes, self.actor)
        message = "Value did not match type(s): string, array"
        raise ValidationFailed.field("source_id", "type", message, target="string, array", value=target)


class MessagesViewSet(_MessageList, _MessageChanges):
    """The messages of a mailbox."""

    parser_classes = (EnvelopeParser, UploadParser)
    long_actions = frozenset({"create", "change_many", "remove_many"})

    def list(self, request: Request, box_id: str, **scope: str) -> EnvelopeResponse:
        """List the messages, the newest first, in pages."""
        cached = self.cached_mailbox(box_id)
        response = None if cached is None else self.page_response(cached)
        if response is not None and response.data:
            return response
        # Whether there are no messages in the mailbox, or no such mailbox any more, only the mailbox as it is tells.
        box = self.fetch_mailbox(box_id)
        return self.page_response(box) if response is None or box.get("messages") else response

    def create(self, request: Request, box_id: str, **scope: str) -> EnvelopeResponse:
        """Create a message, by its metadata alone or together with its audio."""
        box = self.mailbox_for_new_message(box_id)
        quota.require_place(self.account_id, box, self.actor)  # before a large upload is read in vain
        if self.has_envelope:
            message = message_store.create(self.account_info, box, self._fields(self.stated_data), actor=self.actor)
        else:
            body = self.upload_body
            part = single_media(body.media)
            fields = self._fields(body.json or {})
            upload = Upload.from_part(part, self.account_id, box)
            message = message_store.create(self.account_info, box, fields, upload, self.actor)
        path = f"{self.mailboxes_path}/{box_id}/messages/{message['_id']}"
        return self.message_response(message, 201, location(request, path))

    def _fields(self, data: Document) -> Document:
        """The metadata that the client sent. Only administrators date messages far back or ahead.

        Each month has a database, which the first message of the month creates.
        """
        fields = metadata.validate(data)
        if "timestamp" in fields and not self.identity.is_admin:
            retention.require_current(self.account_id, fields["timestamp"])
        return fields

    def change_many(self, request: Request, box_id: str, **scope: str) -> EnvelopeResponse:
        """Move or copy the messages in the payload, or put them into a folder."""
        box = self.get_mailbox(box_id)
        return _outcome_response(self.apply(box, required_ids(self.data), self.data))

    def remove_many(self, request: Request, box_id: str, **scope: str) -> EnvelopeResponse:
        """Remove the messages in the payload, else those of a folder, else all."""
        box = self.get_mailbox(box_id)
        data = self.data
        ids = message_ids(data)
        folder = self.requested_folder()
        if folder is not None and (not isinstance(folder, str) or not folder):
            # If that meant all folders, a slip of the client's would empty the mailbox.
            message = "Value not found in enumerated list of values"
            raise ValidationFailed.field("folder", "enum", message, target=list(folders.FOLDERS), value=folder)
        return _outcome_response(bulk.remove_messages(self.account_info, box, ids, folder, self.actor))


class MessageViewSet(_MessageChanges):
    """A message of a mailbox."""

    def retrieve(self, request: Request, box_id: str, message_id: str, **scope: str) -> EnvelopeResponse:
        """Return the message's metadata."""

        def read(box: Document) -> Document:
            return message_store.read(self.account_id, box_id, self.current_id(box, message_id))[1]

        return self.message_response(self.read_in_mailbox(box_id, read))

    def change(self, request: Request, box_id: str, message_id: str, **scope: str) -> EnvelopeResponse:
        """Change the message, and return it in its new folder or mailbox; of copies, return the ids of all."""
        box = self.get_mailbox(box_id)
        message_id = self.current_id(box, message_id)
        self._check_stored_revision(box_id, message_id)
        data = self.data
        outcome = self.apply(box, [message_id], data)
        target = data.get("source_id") or box_id
        if isinstance(target, list) and outcome.succeeded:
            return _outcome_response(outcome)
        changed_id = _changed_id(outcome, message_id)
        changed = outcome.documents.get(changed_id) or message_store.get(self.account_id, target, changed_id)[1]
        return self.message_response(changed)

    def destroy(self, request: Request, box_id: str, message_id: str, **scope: str) -> EnvelopeResponse:
        """Remove the message, and return its metadata."""
        box = self.get_mailbox(box_id)
        message_id = self.current_id(box, message_id, audio_optional=True)
        self._check_stored_revision(box_id, message_id)
        outcome = bulk.remove_messages(self.account_info, box, [message_id], None, self.actor)
        return self.message_response(outcome.documents[_changed_id(outcome, message_id)])

    def _check_stored_revision(self, box_id: str, message_id: str) -> None:
        """Raise PreconditionFailed if the caller names a revision that is no longer the stored one."""
        if "HTTP_IF_MATCH" in self.request.META:
            self.check_revision(message_store.get(self.account_id, box_id, message_id)[1])


def _outcome_response(outcome: Outcome) -> EnvelopeResponse:
    return EnvelopeResponse({"succeeded": outcome.succeeded, "failed": outcome.failed})


def _changed_id(outcome: Outcome, message_id: str) -> str:
    """The id of a request's only message after its change; raises the error if that failed."""
    if not outcome.succeeded:
        reasons = [reason for failed in outcome.failed for reason in failed.values()]
        raise failure(message_id, reasons[0] if reasons else "not_found")
    return outcome.succeeded[0]
