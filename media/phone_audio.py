"""Audio of media in a format that telephony plays. Browsers record in formats that it doesn't."""

from crossbar.multipart import Part
from voicemail.audio import content_types, transcoding
from voicemail.audio.upload import Upload

FORMAT = "mp3"
_PLAYED = frozenset({FORMAT, "wav", "ogg"})


def upload_for_phones(part: Part, account_id: str, *, is_recording: bool = False) -> Upload:
    """Check a part of a request's body and convert it to MP3, unless it has a format that telephony plays.

    A browser's recording is always converted: in its OGG is a codec that switches lack. Raises like
    `Upload.from_part`.
    """
    upload = Upload.from_part(part, account_id, {})
    extension = content_types.extension(upload.content_type)
    if extension == FORMAT or (extension in _PLAYED and not is_recording):
        return upload
    audio = transcoding.transcode(upload.file, FORMAT, upload.content_type)
    name = f"{content_types.safe_stem(part.filename)}.{audio.extension}"
    return Upload(audio.file, audio.length, audio.content_type, name, audio.milliseconds)
