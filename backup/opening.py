"""Find the place that an operator or a manifest names."""

import os
import posixpath
from pathlib import Path

from backup.places import Folder, Place

_S3 = "s3://"


def open_place(location: str, seen_from: Place | None = None) -> Place:
    """The place with a location: ``s3://bucket/prefix``, or a folder. A relative one is `seen_from` a place."""
    if location.startswith(_S3) or (
        seen_from is not None and seen_from.location.startswith(_S3) and not location.startswith("/")
    ):
        from backup.bucket import Bucket  # takes half a second, which nobody needs with a folder

        if seen_from is None or location.startswith(_S3):
            return Bucket(location)
        return Bucket(_S3 + posixpath.normpath(f"{seen_from.location.removeprefix(_S3)}/{location}"))
    path = Path(location).expanduser()
    return Folder(Path(os.path.normpath(seen_from.path / path)) if isinstance(seen_from, Folder) else path)
