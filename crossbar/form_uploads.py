"""Files in submitted forms: streamed to disk, limited in size, and accepted from operators only."""

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest

_CUT_OFF_FACTOR = 3
"""A request of more than this many times the limit is not read to its end."""
_REFUSED_FIELDS = "_refused_upload_fields"


class LimitedUploads(FileUploadHandler):
    """Passes files on to the next handlers as long as they are, together, no larger than an upload may be.

    It runs before any view, as soon as Django looks for the CSRF token in the body. Files that are too large or don't
    come from an operator are read and thrown away.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._received = 0
        self._is_cut_off = False

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],  # noqa: N803 - Django's name
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        """Decide by the length whether to read the request at all."""
        self._is_cut_off = content_length > settings.MAX_UPLOAD_BYTES * _CUT_OFF_FACTOR

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        """Refuse the file if it is far too large, or not from an operator."""
        super().new_file(field_name, *args, **kwargs)
        if self._is_cut_off:
            self._refuse()
            raise StopUpload(connection_reset=True)
        user = getattr(self.request, "user", None)
        if user is None or not (user.is_active and user.is_staff):
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass the chunk on, unless the limit is reached."""
        self._received += len(raw_data)
        if self._received > settings.MAX_UPLOAD_BYTES:
            self._refuse()
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile | None:
        """Leave the file to the handler that stores it."""
        return None

    def _refuse(self) -> None:
        setattr(self.request, _REFUSED_FIELDS, {*fields_with_too_large_files(self.request), str(self.field_name)})


def fields_with_too_large_files(request: HttpRequest | None) -> frozenset[str]:
    """The names of the form fields whose files were refused as too large."""
    return frozenset(getattr(request, _REFUSED_FIELDS, ()))
