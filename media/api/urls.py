"""Paths of media below ``/v2/``; each with or without a slash at its end."""

from typing import Any

from media.api.viewsets import LanguagesViewSet, MediaRawViewSet, MediaViewSet, PromptsViewSet
from voicemail.api.urls import of_account

urlpatterns: list[Any] = [
    of_account("media", MediaViewSet.as_view({"get": "list", "put": "create"})),
    # Before the paths of one media, whose id these can't be.
    of_account("media/languages", LanguagesViewSet.as_view({"get": "list"})),
    of_account("media/languages/{value}", LanguagesViewSet.as_view({"get": "retrieve"})),
    of_account("media/prompts", PromptsViewSet.as_view({"get": "list"})),
    of_account("media/prompts/{value}", PromptsViewSet.as_view({"get": "retrieve"})),
    of_account(
        "media/{media_id}",
        MediaViewSet.as_view({"get": "retrieve", "post": "replace", "patch": "merge", "delete": "destroy"}),
    ),
    of_account("media/{media_id}/raw", MediaRawViewSet.as_view({"get": "retrieve", "post": "replace"})),
]
