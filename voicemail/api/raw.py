"""``messages/{VM_MSG_ID}/raw``, the audio of a message, and ``messages/raw``, that of many in a ZIP."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from accounts.api.viewset import location
from accounts.api_keys.scopes import Scope
from accounts.auth.permissions import IsAuthenticated, MayActOnAccount
from couch.database import Document
from crossbar.body import media_type_of
from crossbar.conditions import content_disposition, file_response
from crossbar.envelope import EnvelopeParser, EnvelopeResponse
from crossbar.errors import NotAcceptable
from crossbar.negotiation import FileNegotiation, accepts
from crossbar.upload import UploadParser
from voicemail.api.base import MessageViewSetBase, required_ids, single_media
from voicemail.audio import content_types, recording
from voicemail.audio.recording import MissingAudio, Recording
from voicemail.audio.upload import Upload
from voicemail.mailboxes import store as mailbox_store
from voicemail.mailboxes import time_zone
from voicemail.messages import file_names, metadata, zip_archive
from voicemail.messages import store as message_store
from voicemail.permissions import MaySeeMailbox


class StrictEnvelopeParser(EnvelopeParser):
    """Reads envelopes that aren't called text: a browser calls a file text if it doesn't know its type."""

    def can_parse(self, content_type: str | None) -> bool:
        """Whether a body with that Content-Type header may be an envelope."""
        return media_type_of(content_type) != "text/plain" and super().can_parse(content_type)


class RawViewSet(MessageViewSetBase):
    """The audio of a message."""

    parser_classes = (StrictEnvelopeParser, UploadParser)
    long_actions = frozenset({"retrieve", "replace"})
    content_negotiation_class = FileNegotiation
    scopes = {"retrieve": Scope.HEAR, "replace": Scope.WRITE}

    def retrieve(self, request: Request, box_id: str, message_id: str, **scope: str) -> HttpResponseBase:
        """Return the audio, or the part of it that a Range names, as it comes from CouchDB."""
        return self.read_in_mailbox(box_id, lambda box: self._read(request, box, self.current_id(box, message_id)))

    def _read(self, request: Request, box: Document, message_id: str) -> HttpResponseBase:
        try:
            return self._audio(request, box, message_id)
        except MissingAudio:
            # The message may have got its audio between its document was read and the audio.
            return self._audio(request, box, message_id)

    def _audio(self, request: Request, box: Document, message_id: str) -> HttpResponseBase:
        database, message = message_store.read(self.account_id, box["_id"], message_id)
        audio = recording.locate(database, message)
        if not accepts(request, lambda media_range: is_acceptable(media_range, audio.safe_type)):
            raise NotAcceptable(data={"message": f"the audio is {audio.safe_type}"})
        name = file_names.audio_file_name(message, time_zone.of_box(self.account_info, box), audio)
        response = audio_response(request, audio)
        response.headers["Content-Disposition"] = content_disposition(name)
        return response

    def replace(self, request: Request, box_id: str, message_id: str, **scope: str) -> EnvelopeResponse:
        """Replace the message's audio, and return its metadata."""
        box = self.get_mailbox(box_id)
        message_id = self.current_id(box, message_id, audio_optional=True)
        message_store.get(self.account_id, box_id, message_id)
        body = self.upload_body
        part = single_media(body.media)
        length = metadata.validate_length(body.json or {})
        upload = Upload.from_part(part, self.account_id, box)
        message = message_store.replace_audio(
            self.account_id, box_id, message_id, upload, length=length, actor=self.actor, guard=self.check_revision
        )
        path = f"{self.mailboxes_path}/{box_id}/messages/{message_id}/raw"
        return self.message_response(message, 201, location(request, path))


class ArchiveViewSet(MessageViewSetBase):
    """The audio of many messages of a mailbox."""

    permission_classes = (IsAuthenticated, MayActOnAccount, MaySeeMailbox)
    long_actions = frozenset({"download"})
    content_negotiation_class = FileNegotiation
    scopes = {"download": Scope.HEAR}

    def download(self, request: Request, box_id: str, **scope: str) -> StreamingHttpResponse:
        """Return a ZIP of the audio of the messages in the payload, which is written as it is sent."""
        box = self.get_mailbox(box_id)
        return zip_response(box, zip_archive.zip_stream(self.account_info, box, required_ids(self.data)))


def audio_response(request: Request | HttpRequest, audio: Recording) -> HttpResponseBase:
    """Return audio, or the part of it that a Range names; 304 if the client has it.

    What isn't audio by its content type is a download that no browser shows.
    """
    response = file_response(
        request,
        digest=audio.digest,
        content_type=audio.safe_type,
        length=audio.length,
        read=lambda part: audio.open() if part is None else audio.open_range(part.first, part.last),
    )
    if audio.safe_type == content_types.OCTETS:
        response.headers["Content-Disposition"] = "attachment"
        response.headers["Content-Security-Policy"] = "sandbox"
    return response


def zip_response(box: Mapping[str, Any], pieces: Iterable[bytes]) -> StreamingHttpResponse:
    """Return a ZIP of a mailbox's audio, named after its number."""
    number = content_types.safe_text(mailbox_store.number(box)) or box["_id"]
    headers = {"Content-Disposition": content_disposition(f"voicemail_{number}.zip")}
    return StreamingHttpResponse(pieces, content_type="application/zip", headers=headers)


def is_acceptable(media_range: str, content_type: str) -> bool:
    """Whether a media range of an Accept header includes the type of an audio."""
    if media_range in ("", "*", "*/*") or content_types.are_equivalent(media_range, content_type):
        return True
    # A client that takes any audio, or any bytes, takes it from a container or of an unknown type, too.
    return media_range in ("audio/*", content_types.OCTETS, content_type.partition("/")[0] + "/*")
