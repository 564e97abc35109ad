"""A recording that somebody uploaded, checked and ready to be stored as the audio of a message."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any

from crossbar.errors import UnsupportedMediaType, ValidationFailed
from crossbar.multipart import Part
from voicemail.audio import content_types, duration, transcoding

NO_FILE = "Please provide a media file"


@dataclass(frozen=True)
class Upload:
    """A recording: the file with its bytes, their number, and the attachment's content type and name."""

    file: IO[bytes]
    length: int
    content_type: str
    name: str
    transcoded_milliseconds: int | None = None

    @cached_property
    def milliseconds(self) -> int | None:
        """How long it plays; None if that can't be measured."""
        return self.transcoded_milliseconds or duration.measure(self.file, self.content_type)

    @classmethod
    def from_part(cls, part: Part, account_id: str, box: Mapping[str, Any]) -> "Upload":
        """Check a part of a request's body, and transcode it where the account wants that.

        Raises ValidationFailed if it is empty, UnsupportedMediaType, and the errors of `transcoding.transcode`.
        """
        content_type = detect_content_type(part)
        if transcoding.is_requested(account_id):
            audio = transcoding.transcode(part.file, box.get("media_extension"), content_type)
            name = f"{content_types.safe_stem(part.filename)}.{audio.extension}"
            return cls(audio.file, audio.length, audio.content_type, name, audio.milliseconds)
        extension = content_types.detect_extension(part.file)
        name = content_types.attachment_name(part.filename, content_type, extension)
        return cls(part.file, part.length, content_type, name)


def detect_content_type(part: Part) -> str:
    """The content type of an uploaded file: as declared, or as its bytes show if no useful type is declared.

    Raises ValidationFailed if it is empty, UnsupportedMediaType if it is declared to be something else than audio.
    """
    if not part.length:
        raise ValidationFailed.field("file", "required", NO_FILE)
    content_type = content_types.detect(part.content_type, part.filename, part.file)
    if content_type is None:
        raise UnsupportedMediaType(data={"message": f"unsupported media type {part.content_type}"})
    return content_type
