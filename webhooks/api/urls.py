"""Paths of webhooks below ``/v2/``; each with or without a slash at its end."""

from typing import Any

from django.urls import re_path

from voicemail.api.urls import of_account
from webhooks.api.viewsets import AttemptsViewSet, HooksViewSet, SamplesViewSet, WebhooksViewSet

urlpatterns: list[Any] = [
    re_path(r"^webhooks/?$", HooksViewSet.as_view({"get": "list"})),
    re_path(r"^webhooks/samples/?$", SamplesViewSet.as_view({"get": "list"})),
    re_path(r"^webhooks/samples/(?P<hook>[^/]+)/?$", SamplesViewSet.as_view({"get": "retrieve"})),
    of_account("webhooks", WebhooksViewSet.as_view({"get": "list", "put": "create", "patch": "enable_again"})),
    # Before the paths of one webhook, whose id "attempts" can't be.
    of_account("webhooks/attempts", AttemptsViewSet.as_view({"get": "list"})),
    of_account(
        "webhooks/{hook_id}",
        WebhooksViewSet.as_view({"get": "retrieve", "post": "replace", "patch": "merge", "delete": "destroy"}),
    ),
    of_account("webhooks/{hook_id}/attempts", AttemptsViewSet.as_view({"get": "list"})),
]
