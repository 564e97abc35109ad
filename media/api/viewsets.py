"""``/v2/accounts/{ACCOUNT_ID}/media``: media, their audio, and which languages and prompts there are."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.request import Request

from accounts.api.viewset import AccountScopedViewSet, location
from accounts.auth.permissions import IsAdministratorOrReadOnly
from couch.database import Document
from crossbar.conditions import content_disposition
from crossbar.envelope import EnvelopeResponse
from crossbar.errors import BadIdentifier, NotAcceptable
from crossbar.filters import parse_filters
from crossbar.negotiation import FileNegotiation, accepts
from crossbar.pages import Page, PageRequest
from crossbar.pagination import AscendingPagination
from crossbar.upload import UploadParser
from media import store
from storage import values
from voicemail.api.base import single_media
from voicemail.api.raw import StrictEnvelopeParser, audio_response, is_acceptable
from voicemail.audio import content_types
from voicemail.audio.upload import Upload

NO_LANGUAGE = "missing"
"""What Kazoo calls the language of media that say none."""


class MediaViewSetBase(AccountScopedViewSet):
    """The base of viewsets of media: administrators change them, others may look and listen."""

    def get_permissions(self) -> Sequence[Any]:
        """Return the permissions that a request needs."""
        return [*super().get_permissions(), IsAdministratorOrReadOnly()]

    def check_revision(self, media: Document) -> None:
        """Raise PreconditionFailed if the caller saw another revision of a media than the stored one."""
        self.check_if_match(media["_rev"])

    def media_response(
        self, media: Document, status: int = 200, headers: dict[str, str] | None = None
    ) -> EnvelopeResponse:
        """Return a media."""
        return EnvelopeResponse(store.public_media(media), status, revision=media["_rev"], headers=headers)

    def store_upload(self, media_id: str) -> Document:
        """Store the request's body as a media's audio; raises ValidationFailed, UnsupportedMediaType and the like."""
        media = store.get(self.account_id, media_id)
        part = single_media(self.upload_body.media)
        # Bare audio has no file name: whoever downloads it gets a file named as the media.
        named_part = dataclasses.replace(part, filename=part.filename or str(media.get("name", "")))
        upload = Upload.from_part(named_part, self.account_id, {})
        return store.put_audio(self.account_id, media_id, upload, self.actor, self.check_revision)


class MediaViewSet(MediaViewSetBase):
    """The media of an account."""

    csv_name = "media"
    pagination_class = AscendingPagination
    parser_classes = (StrictEnvelopeParser, UploadParser)
    long_actions = frozenset({"replace"})

    def list(self, request: Request, account_id: str) -> EnvelopeResponse:
        """List summaries of the media by name, in pages."""
        page = self.paginate_queryset(self._read_page)
        return self.get_paginated_response([store.media_summary(media) for media in page])

    def _read_page(self, page_request: PageRequest) -> Page[Document]:
        return store.list_media(self.account_id, page_request, parse_filters(self.request.query_params))

    def create(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Create a media, whose audio follows."""
        media = store.create(self.account_id, self.data, self.actor)
        path = f"/v2/accounts/{self.account_id}/media/{media['_id']}"
        return self.media_response(media, 201, location(request, path))

    def retrieve(self, request: Request, account_id: str, media_id: str) -> EnvelopeResponse:
        """Return a media."""
        return self.media_response(store.get(self.account_id, media_id))

    def replace(self, request: Request, account_id: str, media_id: str) -> EnvelopeResponse:
        """Replace a media's members, or its audio if that is the body; return the media."""
        if not self.has_envelope:
            return self.media_response(self.store_upload(media_id))
        return self.media_response(
            store.replace_members(self.account_id, media_id, self.data, self.actor, self.check_revision)
        )

    def merge(self, request: Request, account_id: str, media_id: str) -> EnvelopeResponse:
        """Merge the data into a media, and return it."""
        return self.media_response(
            store.merge_members(self.account_id, media_id, self.data, self.actor, self.check_revision)
        )

    def destroy(self, request: Request, account_id: str, media_id: str) -> EnvelopeResponse:
        """Delete a media, for good with ``?hard_delete=true``, and return it as it was."""
        for_good = values.is_true(request.query_params.get("hard_delete"))
        return self.media_response(
            store.delete(self.account_id, media_id, self.actor, self.check_revision, for_good=for_good)
        )


class MediaRawViewSet(MediaViewSetBase):
    """The audio of a media."""

    parser_classes = (StrictEnvelopeParser, UploadParser)
    content_negotiation_class = FileNegotiation
    long_actions = frozenset({"retrieve", "replace"})

    def retrieve(self, request: Request, account_id: str, media_id: str) -> HttpResponseBase:
        """Return the audio, or the part of it that a Range names."""
        audio = store.locate_audio(self.account_id, media_id)
        if not accepts(request, lambda media_range: is_acceptable(media_range, audio.safe_type)):
            raise NotAcceptable(data={"message": f"the audio is {audio.safe_type}"})
        response = audio_response(request, audio)
        name = content_types.attachment_name(audio.name, audio.safe_type, None)
        response.headers["Content-Disposition"] = content_disposition(name)
        return response

    def replace(self, request: Request, account_id: str, media_id: str) -> EnvelopeResponse:
        """Store or replace the audio, and return the media."""
        return self.media_response(self.store_upload(media_id))


class _GroupViewSet(AccountScopedViewSet):
    """Media by what one of their members says."""

    member: str
    name_without: str | None = None

    def list(self, request: Request, account_id: str) -> EnvelopeResponse:
        """Return one object, which says of each value how many media have it."""
        counts = {
            name: len(ids)
            for value, ids in store.ids_by(self.account_id, self.member).items()
            if (name := self.name_without if value is None else value) is not None
        }
        return EnvelopeResponse([dict(sorted(counts.items()))])

    def retrieve(self, request: Request, account_id: str, value: str) -> EnvelopeResponse:
        """Return the ids of the media with a value; raises BadIdentifier if there are none."""
        ids = store.ids_by(self.account_id, self.member).get(None if value == self.name_without else value)
        if not ids:
            raise BadIdentifier(value)
        return EnvelopeResponse(sorted(ids))


class LanguagesViewSet(_GroupViewSet):
    """``media/languages``."""

    member = "language"
    name_without = NO_LANGUAGE


class PromptsViewSet(_GroupViewSet):
    """``media/prompts``."""

    member = "prompt_id"
