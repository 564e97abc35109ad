"""Reading a ZIP from its beginning to its end, as programs do that get it through a pipe."""

import zlib
from collections.abc import Iterator
from struct import Struct

_LOCAL_HEADER = Struct("<4sHHHHHIIIHH")
_DIRECTORY = b"PK\x01\x02"
_DESCRIPTOR_FLAG = 0x08


def read_forwards(content: bytes) -> dict[str, bytes]:
    """The files of a ZIP by name, without a look at its directory. Each states its size and checksum in front."""
    return dict(_entries(content))


def _entries(content: bytes) -> Iterator[tuple[str, bytes]]:
    position = 0
    while content[position : position + 4] != _DIRECTORY:
        header = _LOCAL_HEADER.unpack_from(content, position)
        signature, _version, flags, method, _time, _date, checksum, size, full_size, name_length, extra_length = (
            header
        )
        assert (signature, method, flags & _DESCRIPTOR_FLAG) == (b"PK\x03\x04", 0, 0)
        assert size == full_size
        position += _LOCAL_HEADER.size
        name = content[position : position + name_length].decode()
        position += name_length + extra_length
        stored = content[position : position + size]
        assert zlib.crc32(stored) == checksum
        yield name, stored
        position += size
