"""The names of the files that messages' audio is downloaded as."""

import logging
import re
from zoneinfo import ZoneInfo

from couch.database import Document
from storage import values
from voicemail.audio import content_types
from voicemail.audio.recording import Recording
from voicemail.messages import metadata, retention

logger = logging.getLogger(__name__)

_UNSAFE = re.compile(r"[^\w+.-]+")


def audio_file_name(doc: Document, zone: ZoneInfo | None, audio: Recording) -> str:
    """The file name of a message's audio: ``1001_2016-05-09_17-18-42.mp3``.

    It has the number of the caller id, the time in the zone (in UTC if that is None) and the extension, and needs no
    quotes anywhere.
    """
    fields = metadata.of(doc)
    number = content_types.safe_text(str(fields.get("caller_id_number") or ""))
    parts = [_UNSAFE.sub("_", number).strip("_") or metadata.ANONYMOUS]
    seconds = values.as_integer(fields.get("timestamp")) or retention.age(doc)
    try:
        parts.append(f"{metadata.local_time(seconds or 0, zone)[0]:%Y-%m-%d_%H-%M-%S}")
    except ValueError:
        logger.warning("Message %s has no valid time", doc["_id"])
    extension = content_types.attachment_name(audio.name, audio.content_type).rpartition(".")[2]
    return f"{'_'.join(parts)}.{extension}"


def make_unique(name: str, used_names: dict[str, int]) -> str:
    """The name, with a number before its extension if it is among `used_names`, to which it is added.

    Messages of one second share a name. Names that differ only in case do, too. `used_names` has the number of the
    last file of each name.
    """
    stem, dot, extension = name.rpartition(".")
    unique, number = name, used_names.get(name.lower(), 0)
    while unique.lower() in used_names:
        number += 1
        unique = f"{stem}-{number}{dot}{extension}"
    used_names[name.lower()] = max(number, 1)
    used_names[unique.lower()] = 1
    return unique
