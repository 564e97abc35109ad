"""``/v2/webhooks``: which hooks there are; ``/v2/accounts/{ACCOUNT_ID}/webhooks``: an account's own, and attempts."""

from rest_framework.request import Request

from accounts.api.viewset import AccountScopedViewSet, location
from accounts.auth.permissions import IsAdministrator, IsAuthenticated, MayActOnAccount
from couch.database import Document
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import ValidationFailed
from crossbar.filters import parse_filters
from crossbar.pages import MAX_RANGE, Page, PageRequest, parse_time_range
from crossbar.pagination import AscendingPagination, StartKeyPagination
from crossbar.viewset import CrossbarViewSet
from storage import gregorian, values
from webhooks import attempts, hooks, store


class HooksViewSet(CrossbarViewSet):
    """``/v2/webhooks``, for everybody."""

    def list(self, request: Request) -> EnvelopeResponse:
        """List the hooks that there are."""
        return EnvelopeResponse(hooks.list_hooks())


class SamplesViewSet(CrossbarViewSet):
    """``/v2/webhooks/samples`` and ``/v2/webhooks/samples/{HOOK}``, for everybody."""

    def list(self, request: Request) -> EnvelopeResponse:
        """List the hooks that have samples."""
        return EnvelopeResponse(hooks.list_samples())

    def retrieve(self, request: Request, hook: str) -> EnvelopeResponse:
        """Return samples of what is sent for a hook."""
        return EnvelopeResponse(hooks.get_samples(hook))


class WebhooksViewSet(AccountScopedViewSet):
    """The webhooks of an account, for administrators: they hold keys and headers that are credentials."""

    permission_classes = (IsAuthenticated, MayActOnAccount, IsAdministrator)
    csv_name = "webhooks"
    pagination_class = AscendingPagination

    def list(self, request: Request, account_id: str) -> EnvelopeResponse:
        """List summaries of the webhooks by name, in pages."""
        page = self.paginate_queryset(self._read_page)
        return self.get_paginated_response([store.summary(hook) for hook in page])

    def _read_page(self, page_request: PageRequest) -> Page[Document]:
        return store.list_page(self.account_id, page_request, parse_filters(self.request.query_params))

    def create(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Create a webhook."""
        hook = store.create(self.account_id, self.data, self.actor)
        path = f"/v2/accounts/{self.account_id}/webhooks/{hook['_id']}"
        return EnvelopeResponse(
            store.public_members(hook), 201, revision=hook["_rev"], headers=location(request, path)
        )

    def enable_again(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Enable the webhooks that were disabled because of failures, and list them."""
        if not values.is_true(self.data.get("re-enable")):
            raise ValidationFailed.field("re-enable", "required", "Field is required but missing")
        return EnvelopeResponse([store.summary(hook) for hook in store.enable_again(self.account_id, self.actor)])

    def retrieve(self, request: Request, account_id: str, hook_id: str) -> EnvelopeResponse:
        """Return a webhook."""
        return _response(store.get(self.account_id, hook_id))

    def replace(self, request: Request, account_id: str, hook_id: str) -> EnvelopeResponse:
        """Replace a webhook's members, and return it."""
        return _response(store.replace_members(self.account_id, hook_id, self.data, self.actor, self._check_revision))

    def merge(self, request: Request, account_id: str, hook_id: str) -> EnvelopeResponse:
        """Merge the data into a webhook, and return it."""
        return _response(store.merge_members(self.account_id, hook_id, self.data, self.actor, self._check_revision))

    def destroy(self, request: Request, account_id: str, hook_id: str) -> EnvelopeResponse:
        """Delete a webhook, and return it as it was."""
        return _response(store.delete(self.account_id, hook_id, self.actor, self._check_revision))

    def _check_revision(self, hook: Document) -> None:
        self.check_if_match(hook["_rev"])


class AttemptsViewSet(AccountScopedViewSet):
    """``…/webhooks/attempts`` and ``…/webhooks/{HOOK_ID}/attempts``: what was sent, and what came back."""

    permission_classes = (IsAuthenticated, MayActOnAccount, IsAdministrator)
    csv_name = "attempts"
    pagination_class = StartKeyPagination

    def list(self, request: Request, account_id: str, hook_id: str | None = None) -> EnvelopeResponse:
        """List the attempts of all webhooks or of one, the newest first, in pages."""
        if hook_id is not None:
            store.get(self.account_id, hook_id)
        page = self.paginate_queryset(self._read_page)
        return self.get_paginated_response([attempts.public_members(attempt) for attempt in page])

    def _read_page(self, page_request: PageRequest) -> Page[Document]:
        query, now = self.request.query_params, gregorian.now()
        time = parse_time_range(query, now=now, default_from=now - MAX_RANGE)
        return attempts.list_page(
            self.account_id, time, page_request, parse_filters(query), hook_id=self.kwargs.get("hook_id")
        )


def _response(hook: Document) -> EnvelopeResponse:
    return EnvelopeResponse(store.public_members(hook), revision=hook["_rev"])
