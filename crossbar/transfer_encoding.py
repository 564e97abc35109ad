"""Content that is encoded as text for its way (RFC 2045): base64 and quoted-printable, decoded chunk by chunk."""

import base64
import binascii
from collections.abc import Iterable, Iterator

from crossbar.errors import FaultyRequest

_AS_IT_IS = frozenset({"", "7bit", "8bit", "binary"})


def decode(encoding: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield decoded content, by the value of its ``Content-Transfer-Encoding``; raises FaultyRequest."""
    encoding = encoding.strip().lower()
    if encoding == "base64":
        return decode_base64(chunks)
    if encoding == "quoted-printable":
        return _decode_quoted_printable(chunks)
    if encoding in _AS_IT_IS:
        return iter(chunks)
    raise FaultyRequest(f"unsupported content transfer encoding {encoding[:40]}")


def decode_base64(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what base64 stands for, with or without line ends and padding; raises FaultyRequest for anything else."""
    remainder = b""
    for chunk in chunks:
        text = b"".join((remainder + chunk).split())
        complete = len(text) - len(text) % 4
        yield _b64decode(text[:complete])
        remainder = text[complete:]
    yield _b64decode(remainder + b"=" * (-len(remainder) % 4))


def _b64decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise FaultyRequest("invalid base64 body") from error


def _decode_quoted_printable(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what quoted-printable stands for. A sequence that is cut by the end of a chunk waits for the next one."""
    remainder = b""
    for chunk in chunks:
        text = remainder + chunk
        cut = text.find(b"=", max(0, len(text) - 2))
        complete = len(text) if cut < 0 else cut
        yield binascii.a2b_qp(text[:complete])
        remainder = text[complete:]
    yield binascii.a2b_qp(remainder)
