"""``/v2/accounts/{ACCOUNT_ID}/vmboxes`` and ``.../vmboxes/{VM_BOX_ID}``, and the mailboxes of one user."""

from collections.abc import Sequence
from typing import Any

from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts import users
from accounts.api.viewset import CHANGES, location
from accounts.auth.permissions import IsAdministrator
from couch.client import Document
from crossbar.csv_renderer import CsvRenderer
from crossbar.envelope import EnvelopeResponse
from crossbar.filters import parse_filters
from crossbar.pages import Page, PageRequest
from crossbar.pagination import AscendingPagination
from voicemail import permissions
from voicemail.api.base import MailboxViewSetBase
from voicemail.mailboxes import listing as mailbox_listing
from voicemail.mailboxes import removal
from voicemail.mailboxes import store as mailbox_store


class _MailboxList(MailboxViewSetBase):
    """Lists mailboxes, also as CSV."""

    pagination_class = AscendingPagination

    def get_renderers(self) -> list[BaseRenderer]:
        """Return the renderers of a response."""
        renderers: list[BaseRenderer] = super().get_renderers()
        return [*renderers, CsvRenderer()] if self.action == "list" else renderers

    def may_see_secrets(self, box: Document) -> bool:
        """Whether the caller may see a mailbox's PIN."""
        return permissions.may_see_secrets(self.identity, box)

    def is_listed(self, box: Document) -> bool:
        """Whether a mailbox (its summary) belongs to the listing."""
        return permissions.may_see_box(self.identity, box)

    def page_response(self) -> EnvelopeResponse:
        """Return a page of the listed mailboxes."""
        return self.get_paginated_response(self.paginate_queryset(self._read_page))

    def _read_page(self, page_request: PageRequest) -> Page[Document]:
        return mailbox_listing.list_boxes(
            self.account_id,
            page_request,
            parse_filters(self.request.query_params),
            is_listed=self.is_listed,
            may_see_secrets=self.may_see_secrets,
        )


class MailboxViewSet(_MailboxList):
    """The mailboxes of an account."""

    fresh_actions = CHANGES  # of PINs and owners

    def get_permissions(self) -> Sequence[Any]:
        """Return the permissions that a request needs: only administrators create mailboxes."""
        needed = super().get_permissions()
        return [*needed, IsAdministrator()] if self.action == "create" else needed

    def list(self, request: Request, account_id: str) -> EnvelopeResponse:
        """List the mailboxes by name, in pages."""
        return self.page_response()

    def create(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Create a mailbox."""
        box = mailbox_store.create(self.account_id, self.data, self.actor)
        return self._response(box, 201, location(request, f"/v2/accounts/{self.account_id}/vmboxes/{box['_id']}"))

    def retrieve(self, request: Request, account_id: str, box_id: str) -> EnvelopeResponse:
        """Return a mailbox."""
        return self._response(self.get_mailbox(box_id))

    def replace(self, request: Request, account_id: str, box_id: str) -> EnvelopeResponse:
        """Replace a mailbox, and return it."""
        return self._response(
            mailbox_store.replace(self.account_id, box_id, self.data, self.actor, self._check_change)
        )

    def merge(self, request: Request, account_id: str, box_id: str) -> EnvelopeResponse:
        """Merge the data into a mailbox, and return it."""
        return self._response(mailbox_store.merge(self.account_id, box_id, self.data, self.actor, self._check_change))

    def destroy(self, request: Request, account_id: str, box_id: str) -> EnvelopeResponse:
        """Soft-delete a mailbox with its messages, and return it as it was."""
        return self._response(removal.remove_box(self.account, box_id, self.actor, self._check_change))

    def _check_change(self, box: Document) -> None:
        """Raise Forbidden if the caller may not change a mailbox, PreconditionFailed if it saw another revision."""
        self.check_object_permissions(self.request, box)
        self.check_if_match(box["_rev"])

    def _response(self, box: Document, status: int = 200, headers: dict[str, str] | None = None) -> EnvelopeResponse:
        shown = mailbox_store.representation(box, secrets=self.may_see_secrets(box))
        metadata = mailbox_store.envelope_metadata(box)
        return EnvelopeResponse(shown, status, revision=box["_rev"], metadata=metadata, headers=headers)


class UserMailboxesViewSet(_MailboxList):
    """``/v2/accounts/{ACCOUNT_ID}/users/{USER_ID}/vmboxes``: the mailboxes of a user."""

    def list(self, request: Request, account_id: str, user_id: str) -> EnvelopeResponse:
        """List the user's mailboxes by name, in pages."""
        users.get(self.account_id, user_id)
        return self.page_response()

    def is_listed(self, box: Document) -> bool:
        """Whether a mailbox (its summary) belongs to the listing."""
        return box.get("owner_id") == self.kwargs["user_id"] and super().is_listed(box)
