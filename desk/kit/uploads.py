"""Files that operators send with a form: streamed to disk, of bounded size, and from operators alone."""

from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest

_MUCH_TOO_LARGE = 3  # times what is allowed: who sends that is cut off
_REFUSED = "_refused_files"


class LimitedUploads(FileUploadHandler):
    """Passes files on to the handlers after it as long as they are no larger, together, than an upload may be.

    It runs before any view does, as soon as somebody looks for the token against forgery: what isn't from an
    operator, or is too large, is read past and never stored.
    """

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._taken = 0
        self._is_cut_off = False

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],  # noqa: N803 - Django's name
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        """Look at how much is coming."""
        self._is_cut_off = content_length > settings.MAX_UPLOAD_BYTES * _MUCH_TOO_LARGE

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        """Refuse a file of nobody known, or with far too much to come."""
        super().new_file(field_name, *args, **kwargs)
        if self._is_cut_off:
            self._refuse()
            raise StopUpload(connection_reset=True)
        user = getattr(self.request, "user", None)
        if user is None or not (user.is_active and user.is_staff):
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass a piece on; no more once it is too much."""
        self._taken += len(raw_data)
        if self._taken > settings.MAX_UPLOAD_BYTES:
            self._refuse()
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile | None:
        """Leave the file to the handler that stores it."""
        return None

    def _refuse(self) -> None:
        setattr(self.request, _REFUSED, {*too_large(self.request), str(self.field_name)})


def too_large(request: HttpRequest | None) -> frozenset[str]:
    """The names of the fields whose files were too large."""
    return frozenset(getattr(request, _REFUSED, ()))
