"""Convert stored audio for those who can't play it. Nothing of that is stored."""

import tempfile
from contextlib import closing

from crossbar.errors import ApiError, RequestTooLarge, ValidationFailed
from voicemail.audio import transcoding
from voicemail.audio.copying import read_pieces
from voicemail.audio.recording import Recording
from voicemail.audio.transcoding import Transcoded

FORMAT = "mp3"
_MAX_BYTES = 32 * 1024 * 1024


class NotConvertible(ApiError):
    """The audio can't be converted: it is broken, or too long."""

    status_code = 422
    message = "the audio can't be converted"


def convert(audio: Recording) -> Transcoded:
    """The audio as MP3, which all browsers play. The same audio always becomes the same bytes.

    Raises NotConvertible, also for more than 32 MB, MissingAudio, and ServerBusy.
    """
    if audio.length > _MAX_BYTES:
        raise NotConvertible(data={"message": "it is larger than 32 MB"})
    with tempfile.TemporaryFile() as source:
        with closing(audio.open()) as stream:
            for piece in read_pieces(stream):
                source.write(piece)
        try:
            return transcoding.transcode(source, FORMAT, audio.content_type)
        except (ValidationFailed, RequestTooLarge) as error:
            raise NotConvertible(data={"message": "it is damaged, or too long"}) from error
