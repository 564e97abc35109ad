"""``/v2/accounts/{ACCOUNT_ID}/vmboxes`` and ``.../vmboxes/{VM_BOX_ID}``, and the boxes of one user."""

from typing import Any

from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts import users
from accounts.auth.permissions import require_admin
from couch.client import Document
from crossbar.csv_renderer import CsvRenderer
from crossbar.envelope import EnvelopeRenderer, Reply
from crossbar.filters import parse_filters
from crossbar.pages import PageRequest
from voicemail.api.base import BoxesView
from voicemail.mailboxes import listing as mailbox_listing
from voicemail.mailboxes import removal
from voicemail.mailboxes import store as mailbox_store
from voicemail.permissions import may_see_box, may_see_secrets, require_change_box, require_see_box


class _Boxes(BoxesView):
    """What listing boxes takes."""

    def get_renderers(self) -> list[BaseRenderer]:
        """A listing also comes as CSV."""
        return [EnvelopeRenderer(), CsvRenderer()] if self.action == "list" else super().get_renderers()

    def sees_secrets(self, box: Document) -> bool:
        """Whether the caller may see a box's PIN."""
        return may_see_secrets(self.identity, box)

    def shows(self, box: Document) -> bool:
        """Whether the caller may see a box, or its summary, at all."""
        return may_see_box(self.identity, box)

    def listing(self, request: Request) -> Reply:
        """A page of the boxes that there are to show."""
        query = request.query_params
        wanted = PageRequest.from_query(query, descending=False)
        page = mailbox_listing.page(
            self.account_id, wanted, parse_filters(query), shows=self.shows, sees_secrets=self.sees_secrets
        )
        extra: dict[str, Any] = {"page_size": len(page.entries) if wanted.size is None else wanted.size}
        if start_key := query.get("start_key"):
            extra["start_key"] = start_key
        if page.next_start_key is not None:
            extra["next_start_key"] = page.next_start_key
        return Reply(page.entries, extra=extra)


class BoxViewSet(_Boxes):
    """The boxes of an account."""

    def list(self, request: Request, account_id: str) -> Reply:
        """The boxes, by name, in pages."""
        return self.listing(request)

    def create(self, request: Request, account_id: str) -> Reply:
        """A new box."""
        require_admin(self.identity)
        box = mailbox_store.create(self.account_id, self.data, self.actor)
        location = request.build_absolute_uri(f"/v2/accounts/{self.account_id}/vmboxes/{box['_id']}")
        return self._reply(box, status=201, headers={"Location": location})

    def retrieve(self, request: Request, account_id: str, box_id: str) -> Reply:
        """One box."""
        box = self.box(box_id)
        require_see_box(self.identity, box)
        return self._reply(box)

    def replace(self, request: Request, account_id: str, box_id: str) -> Reply:
        """The box as sent, in place of the one that was."""
        return self._reply(mailbox_store.replace(self.account_id, box_id, self.data, self.actor, self._guard))

    def merge(self, request: Request, account_id: str, box_id: str) -> Reply:
        """The box with what was sent merged into it."""
        return self._reply(mailbox_store.merge(self.account_id, box_id, self.data, self.actor, self._guard))

    def destroy(self, request: Request, account_id: str, box_id: str) -> Reply:
        """The box as it was, now deleted together with its messages."""
        return self._reply(removal.remove_box(self.account, box_id, self.actor, self._guard))

    def _guard(self, box: Document) -> None:
        """Lets a change pass when the caller may make it, and saw the revision that it is made on if it said one."""
        require_change_box(self.identity, box)
        self.check_if_match(box["_rev"])

    def _reply(self, box: Document, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        shown = mailbox_store.shown(box, secrets=self.sees_secrets(box))
        metadata = mailbox_store.metadata(box)
        return Reply(shown, status=status, revision=box["_rev"], metadata=metadata, headers=headers)


class UserBoxesViewSet(_Boxes):
    """``/v2/accounts/{ACCOUNT_ID}/users/{USER_ID}/vmboxes``: the boxes that a user owns."""

    def list(self, request: Request, account_id: str, user_id: str) -> Reply:
        """The user's boxes, by name, in pages."""
        users.get(self.account_id, user_id)
        return self.listing(request)

    def shows(self, box: Document) -> bool:
        """Whether it is one of the user's, and the caller may see it."""
        return box.get("owner_id") == self.kwargs["user_id"] and super().shows(box)
