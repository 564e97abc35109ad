"""Pages of listings as DRF pagination classes."""

from collections.abc import Callable
from typing import Any

from rest_framework.pagination import BasePagination
from rest_framework.request import Request

from crossbar.envelope import EnvelopeResponse
from crossbar.pages import Page, PageRequest


class StartKeyPagination(BasePagination):
    """Pages of ``page_size`` entries, which the client walks through by ``next_start_key``."""

    descending = True
    page_request: PageRequest
    page: Page[Any]
    _start_key: str | None

    def paginate_queryset(  # type: ignore[override]
        self, queryset: Callable[[PageRequest], Page[Any]], request: Request, view: Any = None
    ) -> list[Any]:
        """Return the entries of the requested page, which `queryset` reads."""
        self._start_key = request.query_params.get("start_key")
        self.page_request = PageRequest.from_query(request.query_params, descending=self.descending)
        self.page = queryset(self.page_request)
        return self.page.entries

    def get_paginated_response(self, data: list[Any]) -> EnvelopeResponse:
        """Return the entries, with ``page_size``, ``start_key`` and ``next_start_key`` beside them."""
        size = self.page_request.size
        members: dict[str, Any] = {"page_size": len(data) if size is None else size}
        if self._start_key:
            members["start_key"] = self._start_key
        if self.page.next_start_key is not None:
            members["next_start_key"] = self.page.next_start_key
        return EnvelopeResponse(data, members=members)


class AscendingPagination(StartKeyPagination):
    """The same, in ascending order unless the client wants it otherwise."""

    descending = False
