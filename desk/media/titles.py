"""What media are called on the desk's pages."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from media import store as media_store

SOURCES = {
    media_store.UPLOAD: gettext_lazy("Upload"),
    media_store.RECORDING: gettext_lazy("Recording"),
    media_store.SPEECH: gettext_lazy("Spoken text"),
}
VIEW_MEDIA = "desk.view_media"
"""The permission that it takes to see media, and to hear them."""


def media_title(media: Mapping[str, Any]) -> str:
    """The name of a media, shortened; its id if it has none."""
    return " ".join(str(media.get("name") or "").split())[:100] or str(media["_id"])


def source_title(media: Mapping[str, Any]) -> str:
    """Where the audio of a media comes from."""
    source = str(media.get("media_source") or "")
    return str(SOURCES.get(source, source[:40]))
