"""What the viewsets of mailboxes and messages share."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, TypeVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts import users
from accounts.api.viewset import AccountScopedViewSet
from accounts.api_keys.scopes import Scope
from accounts.auth import cache as auth_cache
from accounts.auth.permissions import IsAuthenticated, MayActOnAccount
from couch.database import Document
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import ApiError, BadIdentifier, DatastoreConflict, ValidationFailed
from crossbar.multipart import Part
from crossbar.viewset import require_sane_id
from voicemail.audio.upload import NO_FILE
from voicemail.legacy import on_access
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import metadata, retention
from voicemail.messages import store as message_store
from voicemail.permissions import MailboxPermission

Result = TypeVar("Result")


class MailboxViewSetBase(AccountScopedViewSet):
    """The base of viewsets of mailboxes, or of what is in them.

    Below ``.../users/{USER_ID}/vmboxes`` they do the same as below ``.../vmboxes``, with the user's mailboxes alone.
    The ids of account and user in the path, which handlers get as `scope`, are `account_id` and `owner_id`.
    """

    permission_classes: tuple[type[BasePermission], ...] = (IsAuthenticated, MayActOnAccount, MailboxPermission)
    scopes = {
        **dict.fromkeys(("list", "retrieve"), Scope.READ),
        **dict.fromkeys(("create", "replace", "merge", "destroy"), Scope.WRITE),
        **dict.fromkeys(("change", "change_many", "remove_many"), Scope.WRITE),
    }
    prefetched_settings = (retention.CATEGORY,)  # which decides the messages that are shown and counted
    prefetched_parameters = ("box_id",)

    @property
    def owner_id(self) -> str | None:
        """The id of the user in the path, if there is one."""
        return self.kwargs.get("user_id")

    @property
    def mailboxes_path(self) -> str:
        """The path that lists the mailboxes, of the account or of the user in the path."""
        account_path = f"/v2/accounts/{self.account_id}"
        return f"{account_path}/vmboxes" if self.owner_id is None else f"{account_path}/users/{self.owner_id}/vmboxes"

    def is_in_path(self, box: Mapping[str, Any]) -> bool:
        """Whether a mailbox (its document or its summary) is one of those below the path."""
        return self.owner_id is None or box.get("owner_id") == self.owner_id

    def check_permissions(self, request: Request) -> None:
        """Raise Forbidden and the like if the caller may not go on, BadIdentifier if there is no user of the path."""
        super().check_permissions(request)
        if self.owner_id is not None:
            users.get(self.account_id, self.owner_id)

    def check_object_permissions(self, request: Request, obj: Mapping[str, Any]) -> None:
        """Raise Forbidden if the caller may not go on with a mailbox, BadIdentifier if it isn't one of the path."""
        if not self.is_in_path(obj):
            raise BadIdentifier(obj["_id"])
        super().check_object_permissions(request, obj)

    def get_mailbox(self, box_id: str) -> Document:
        """Return the mailbox as it is now; raises BadIdentifier, or Forbidden where the caller may not go on."""
        require_sane_id(box_id)
        box = self.prefetched.get(box_id)
        if box is None:
            box = mailbox_store.get(self.account_id, box_id)
        else:
            self.prefetched = {}  # it is as fresh only once
            box = mailbox_store.require_box(box, box_id)
        self.check_object_permissions(self.request, box)
        return box


class MessageViewSetBase(MailboxViewSetBase):
    """The base of viewsets of messages."""

    @cached_property
    def account_info(self) -> Mapping[str, Any]:
        """What messages need of their account: its id, realm and time zone, at most some seconds old."""
        account = auth_cache.get_account(self.account_id)
        return {"_id": self.account_id, "realm": account.realm, "timezone": account.timezone}

    def read_in_mailbox(self, box_id: str, read: Callable[[Document], Result]) -> Result:
        """Return what `read` finds in a mailbox that the caller may look into.

        For an administrator, who may look into all of them, a cached mailbox will do as long as the message is there:
        a mailbox takes its messages along when it is removed. What isn't found is looked for in the mailbox as it is.
        """
        cached = self.cached_mailbox(box_id)
        if cached is not None:
            with suppress(BadIdentifier):
                return read(cached)
        return read(self.fetch_mailbox(box_id))

    def cached_mailbox(self, box_id: str) -> Document | None:
        """Return the mailbox as it was a moment ago, for an administrator; None if it isn't cached."""
        box = mailbox_store.get_cached(self.account_id, box_id) if self.identity.is_admin else None
        return box if box is not None and self.is_in_path(box) else None

    def fetch_mailbox(self, box_id: str) -> Document:
        """Return the mailbox as it is now, and cache it; raises BadIdentifier, Forbidden."""
        box = self.get_mailbox(box_id)
        mailbox_store.add_to_cache(self.account_id, box)
        return box

    def mailbox_for_new_message(self, box_id: str) -> Document:
        """Return the mailbox, cached or not: whoever stores a message looks at it again afterwards."""
        return self.cached_mailbox(box_id) or self.fetch_mailbox(box_id)

    def current_id(self, box: Document, message_id: str, *, audio_optional: bool = False) -> str:
        """Return the id of a message, which one in the format of 3.x gets now; raises BadIdentifier if that fails.

        With `audio_optional`, its audio may be missing and isn't copied.
        """
        return on_access.current_id(self.account_info, box, message_id, self.actor, audio_optional=audio_optional)

    def requested_folder(self) -> Any:
        """Return the folder in the request's payload, else in its query, else beside the payload.

        None if the request names none, an empty text if it names null.
        """
        places = (self.data, self.request.query_params, self.envelope.beside)
        return next((place["folder"] or "" for place in places if "folder" in place), None)

    def message_response(
        self, message: Document, status: int = 200, headers: dict[str, str] | None = None
    ) -> EnvelopeResponse:
        """Return a message's metadata."""
        data = metadata.representation(message, retention.limit(self.account_id))
        return EnvelopeResponse(data, status, revision=message["_rev"], headers=headers)

    def check_revision(self, message: Document) -> None:
        """Raise PreconditionFailed if the caller saw another revision of a message than the stored one."""
        self.check_if_match(message["_rev"])


def single_media(media: list[Part]) -> Part:
    """Return the only media part of an upload; raises ValidationFailed if there is none, or several."""
    if len(media) > 1:
        message = "Please provide a single media file"
        raise ValidationFailed.field("file", "maxItems", message, target=1, value=len(media))
    if not media:
        raise ValidationFailed.field("file", "required", NO_FILE)
    return media[0]


def message_ids(data: dict[str, Any]) -> list[str] | None:
    """Return the message ids of a payload; None if it names none. Raises ValidationFailed."""
    if "messages" not in data:
        return None
    ids = data["messages"]
    if not isinstance(ids, list):
        raise _missing_ids()
    for index, message_id in enumerate(ids):
        if not isinstance(message_id, str):
            message = "Value did not match type(s): string"
            raise ValidationFailed.field(f"messages.{index}", "type", message, target="string", value=message_id)
    return ids


def required_ids(data: dict[str, Any]) -> list[str]:
    """Return the message ids of a payload that must name some; raises ValidationFailed."""
    ids = message_ids(data)
    if not ids:
        raise _missing_ids()
    return ids


def _missing_ids() -> ValidationFailed:
    return ValidationFailed.field("messages", "required", "No array of message ids are specified")


def failure(message_id: str, reason: str) -> ApiError:
    """Return the error for the reason why a request's only message was not changed."""
    if reason == "not_found":
        return BadIdentifier(message_id)
    if reason == "conflict":
        return DatastoreConflict()
    explanation = retention.MESSAGE if reason == retention.REASON else "the message can't be changed"
    return message_store.Refused(reason, message_id, explanation)
