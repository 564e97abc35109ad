"""``messages/{VM_MSG_ID}/raw``, the audio of one message, and ``messages/raw``, that of many in a ZIP."""

from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from couch.client import Document
from crossbar.envelope import Reply
from crossbar.errors import NotAcceptable
from crossbar.negotiation import AnyAccept
from crossbar.upload import Upload, read_upload
from voicemail.api.base import MessagesView, required_ids, the_one
from voicemail.api.ranges import has_it_already, wanted_range
from voicemail.audio import content_types, recording
from voicemail.audio import upload as audio_upload
from voicemail.audio.recording import MissingAudio, Recording
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import metadata, zip_archive
from voicemail.messages import store as message_store


class RawViewSet(MessagesView):
    """The audio of one message."""

    negotiator = AnyAccept()

    def retrieve(self, request: Request, account_id: str, box_id: str, message_id: str) -> HttpResponseBase:
        """The audio, or the part of it that a Range asks for, from CouchDB as it comes."""
        return self.reading(box_id, lambda box: self._found(request, box, self.current_id(box, message_id)))

    def _found(self, request: Request, box: Document, message_id: str) -> HttpResponseBase:
        try:
            return self._download(request, box, message_id)
        except MissingAudio:
            # A look again tells an upload that came between looking and reading from a message without audio.
            return self._download(request, box, message_id)

    def _download(self, request: Request, box: Document, message_id: str) -> HttpResponseBase:
        database, doc = message_store.read(self.account_id, box["_id"], message_id)
        found = recording.recording(database, doc)
        _require_acceptable(request, found.content_type)
        name = recording.download_name(doc, mailbox_store.zone(self.addressed, box), found)
        response = audio_response(request, found)
        response.headers["Content-Disposition"] = disposition(name)
        return response

    def replace(self, request: Request, account_id: str, box_id: str, message_id: str) -> Reply:
        """The message's metadata, now with the audio that was sent."""
        box = self.box_to_change(box_id)
        message_id = self.current_id(box, message_id, audio_optional=True)
        message_store.get(self.account_id, box_id, message_id)
        body = self._upload(request)
        part = the_one(body.media)
        length = metadata.validate_length(body.json or {})
        upload = audio_upload.Upload.from_part(part, self.account_id, box)
        doc = message_store.replace_audio(
            self.account_id, box_id, message_id, upload, length=length, actor=self.actor, guard=self.guard
        )
        return self.shown(doc)

    def _upload(self, request: Request) -> Upload:
        if "envelope" in self.__dict__:  # read already, for its token: then there is no media in it
            return Upload(json=self.envelope.data)
        return read_upload(request, settings.MAX_UPLOAD_BYTES)


class ArchiveViewSet(MessagesView):
    """The audio of many messages of a box."""

    negotiator = AnyAccept()

    def download(self, request: Request, account_id: str, box_id: str) -> StreamingHttpResponse:
        """A ZIP of the audio of the messages that the payload names, put together as it is sent."""
        box = self.box_to_see(box_id)
        pieces = zip_archive.zip_stream(self.addressed, box, required_ids(self.data))
        response = StreamingHttpResponse(pieces, content_type="application/zip")
        number = content_types.safe_text(mailbox_store.number(box)) or box_id
        response.headers["Content-Disposition"] = disposition(f"voicemail_{number}.zip")
        return response


def disposition(name: str) -> str:
    """A Content-Disposition for a download; the name holds nothing that needs quotes (content_types.safe_text)."""
    if name.isascii():
        return f"attachment; filename={name}"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename={plain}; filename*=UTF-8''{quote(name, safe='+')}"


def audio_response(request: Request | HttpRequest, found: Recording) -> HttpResponseBase:
    """The audio, all of it or the range that is asked for; 304 for who has it."""
    etag = f'"{found.digest}"'
    shared = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": found.content_type}
    if has_it_already(request, etag):
        return HttpResponse(status=304, headers={"ETag": etag})
    part = wanted_range(request, found.length, etag)
    if part is None:
        status, length = 200, found.length
    else:
        status, length = 206, part.last - part.first + 1
        shared["Content-Range"] = f"bytes {part.first}-{part.last}/{found.length}"
    shared["Content-Length"] = str(length)
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=shared)
    pieces = found.open() if part is None else found.pieces(part.first, part.last)
    return StreamingHttpResponse(pieces, status=status, headers=shared)


def _require_acceptable(request: Request, content_type: str) -> None:
    """NotAcceptable when the client names types, and none of them is the audio's."""
    said = request.query_params.get("accept") or request.headers.get("Accept") or "*/*"
    for token in said.split(","):
        wanted, *parameters = (piece.strip().lower() for piece in token.split(";"))
        if "q=0" not in parameters and _is_met(wanted, content_type):
            return
    raise NotAcceptable(data={"message": f"the audio is {content_type}"})


def _is_met(wanted: str, content_type: str) -> bool:
    if wanted in ("", "*", "*/*") or content_types.are_equivalent(wanted, content_type):
        return True
    # Who takes audio of any kind takes it from a container or an unknown type, too.
    return wanted == "audio/*" or wanted == content_type.partition("/")[0] + "/*"
