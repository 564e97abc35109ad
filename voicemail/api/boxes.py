"""``/v2/accounts/{ACCOUNT_ID}/vmboxes`` and ``.../vmboxes/{VM_BOX_ID}``, also below ``.../users/{USER_ID}``."""

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request

from accounts.api.viewset import CHANGES, location
from accounts.auth.permissions import IsAdministrator
from couch.database import Document
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import Forbidden
from crossbar.filters import parse_filters
from crossbar.pages import Page, PageRequest
from crossbar.pagination import AscendingPagination
from voicemail import permissions
from voicemail.api.base import MailboxViewSetBase
from voicemail.mailboxes import listing as mailbox_listing
from voicemail.mailboxes import removal
from voicemail.mailboxes import store as mailbox_store


class MailboxViewSet(MailboxViewSetBase):
    """The mailboxes of an account, or of a user: below the user's path they are and stay that user's."""

    csv_name = "vmboxes"
    pagination_class = AscendingPagination
    fresh_actions = CHANGES  # of PINs and owners

    def get_permissions(self) -> Sequence[Any]:
        """Return the permissions that a request needs: only administrators create mailboxes."""
        needed = super().get_permissions()
        return [*needed, IsAdministrator()] if self.action == "create" else needed

    def list(self, request: Request, **scope: str) -> EnvelopeResponse:
        """List the mailboxes by name, in pages."""
        return self.get_paginated_response(self.paginate_queryset(self._read_page))

    def create(self, request: Request, **scope: str) -> EnvelopeResponse:
        """Create a mailbox."""
        box = mailbox_store.create(self.account_id, self._members, self.actor)
        return self._response(box, 201, location(request, f"{self.mailboxes_path}/{box['_id']}"))

    def retrieve(self, request: Request, box_id: str, **scope: str) -> EnvelopeResponse:
        """Return a mailbox."""
        return self._response(self.get_mailbox(box_id))

    def replace(self, request: Request, box_id: str, **scope: str) -> EnvelopeResponse:
        """Replace a mailbox, and return it."""
        return self._response(
            mailbox_store.replace(self.account_id, box_id, self._members, self.actor, self._check_change)
        )

    def merge(self, request: Request, box_id: str, **scope: str) -> EnvelopeResponse:
        """Merge the data into a mailbox, and return it."""
        return self._response(
            mailbox_store.merge(self.account_id, box_id, self._members, self.actor, self._check_change)
        )

    def destroy(self, request: Request, box_id: str, **scope: str) -> EnvelopeResponse:
        """Soft-delete a mailbox with its messages, and return it as it was."""
        return self._response(removal.remove_box(self.account, box_id, self.actor, self._check_change))

    @property
    def _members(self) -> Document:
        """The members to store. Whatever owner a request names: below a user's path it is the user.

        A mailbox that its owner changes stays that user's (see `_check_change`).
        """
        if self.owner_id is not None:
            return {**self.data, "owner_id": self.owner_id}
        return self.data if self.identity.is_admin else {"owner_id": self.identity.owner_id, **self.data}

    def _read_page(self, page_request: PageRequest) -> Page[Document]:
        return mailbox_listing.list_boxes(
            self.account_id,
            page_request,
            parse_filters(self.request.query_params),
            is_listed=self._is_listed,
            may_see_secrets=self._may_see_secrets,
        )

    def _is_listed(self, summary: Document) -> bool:
        return self.is_in_path(summary) and permissions.may_see_box(self.identity, summary)

    def _may_see_secrets(self, box: Document) -> bool:
        return permissions.may_see_secrets(self.identity, box)

    def _check_change(self, box: Document) -> None:
        """Raise Forbidden if the caller may not change a mailbox, or would give its own to somebody else.

        Raises PreconditionFailed if the caller saw another revision.
        """
        self.check_object_permissions(self.request, box)
        own_id = self.identity.owner_id
        if not self.identity.is_admin and self.envelope.data.get("owner_id", own_id) != own_id:
            raise Forbidden()
        self.check_if_match(box["_rev"])

    def _response(self, box: Document, status: int = 200, headers: dict[str, str] | None = None) -> EnvelopeResponse:
        secrets = self._may_see_secrets(box)
        shown, metadata = mailbox_store.representation(box, secrets=secrets), mailbox_store.envelope_metadata(box)
        # A revision of CouchDB's is a digest of the whole document, its PIN included.
        revision = box["_rev"] if secrets else None
        return EnvelopeResponse(shown, status, revision=revision, metadata=metadata, headers=headers)
