"""Where the pages of media are."""

from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from couch.database import Document
from desk.accounts.links import account_crumbs
from desk.audit.log import Subject
from desk.kit.pages import Crumb
from desk.media.titles import media_title


def media_list_url(account_id: str) -> str:
    """The URL of the list of an account's media."""
    return f"{reverse('admin:desk_media_changelist')}?account={account_id}"


def media_url(account_id: str, media_id: str) -> str:
    """The URL of a media's page."""
    return reverse("admin:desk_media_detail", args=[account_id, media_id])


def audio_url(account_id: str, media_id: str) -> str:
    """The URL of a media's audio."""
    return reverse("admin:desk_media_audio", args=[account_id, media_id])


def media_list_crumbs(account: Document) -> list[Crumb]:
    """The breadcrumbs of the list of an account's media."""
    return [*account_crumbs(account), (_("Media"), media_list_url(account["_id"]))]


def media_crumbs(account: Document, media: Mapping[str, Any]) -> list[Crumb]:
    """The breadcrumbs of a media's page, for the pages below it."""
    return [*media_list_crumbs(account), (media_title(media), media_url(account["_id"], media["_id"]))]


def media_subject(account_id: str, media: Mapping[str, Any]) -> Subject:
    """The media as the subject of an audit entry."""
    return Subject("media", account_id, media["_id"], media_title(media))
