"""Audio of many megabytes, transferred in little memory, and audio that is too large."""

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_client import Api
from tests.support.recordings import MP3, new_message, parts
from tests.support.servers import Running, children


@pytest.fixture
def path(api: Api) -> str:
    """The path of the audio of a new message that has none yet."""
    return f"{new_message(api, api.new_box('3000'))}/raw"


class TestSize:
    """Large uploads, and too large ones."""

    LENGTH = 50 * 1024 * 1024

    def test_fifty_megabytes_pass_through_in_little_memory(self, api: Api, path: str, server: Running) -> None:
        piece = os.urandom(1024 * 1024)
        api.put(path, piece, headers=MP3)
        api.get(path)
        workers = [Memory(pid) for pid in children(server.process.pid)]
        assert workers
        answer = api.put(path, Repeated(piece, 50), headers=MP3)
        assert answer.status_code == 201, answer.text
        received = 0
        with api.get(path, stream=True) as download:
            for chunk in download.iter_content(256 * 1024):
                assert chunk
                received += len(chunk)
        assert received == self.LENGTH
        answer = _streamed_multipart(api, path, Repeated(piece, 50))
        assert answer.status_code == 201, answer.text
        assert max(worker.rise() for worker in workers) < 12 * 1024 * 1024

    def test_more_than_the_limit_is_refused(self, server_with: Callable[..., Running], api: Api, path: str) -> None:
        limited = Api(server_with(MAX_UPLOAD_BYTES="100000").url, api.account_id, api.token)
        assert limited.put(path, b"x" * 90_000, headers=MP3).status_code == 201
        for answer in (
            limited.put(path, b"x" * 100_001, headers=MP3),
            limited.request("PUT", path, data=iter([b"x" * 60_000, b"x" * 60_000]), headers=MP3),
            limited.request("PUT", path, **parts(("a.mp3", "audio/mpeg", b"x" * 100_001))),
        ):
            assert answer.status_code == 413, answer.text
            assert answer.json()["message"] == "request_too_large"
            assert answer.json()["data"]["limit"] == 100_000
        assert limited.get(path).content == b"x" * 90_000


class Repeated:
    """A virtual file of many equal pieces."""

    def __init__(self, piece: bytes, count: int) -> None:
        self.whole, self.remaining = BytesIO(piece), count
        self.length = len(piece) * count

    def __len__(self) -> int:
        return self.length

    def read(self, size: int = -1) -> bytes:
        """Some bytes; requests asks for a few at a time."""
        chunk = self.whole.read(size if size > 0 else 1024 * 1024)
        if not chunk and self.remaining > 1:
            self.remaining -= 1
            self.whole.seek(0)
            return self.read(size)
        return chunk


def _streamed_multipart(api: Api, path: str, file: Repeated) -> Any:
    def body() -> Any:
        yield b'--frontier\r\nContent-Disposition: form-data; name="content"; filename="voice.mp3"\r\n'
        yield b"Content-Type: audio/mpeg\r\n\r\n"
        while chunk := file.read(256 * 1024):
            yield chunk
        yield b"\r\n--frontier--\r\n"

    kind = {"Content-Type": "multipart/form-data; boundary=frontier"}
    return api.request("PUT", path, data=body(), headers=kind)


class Memory:
    """By how many bytes a process's memory has grown since it was first measured."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # makes the kernel forget the highest value so far
        self.before = self._peak()

    def rise(self) -> int:
        return self._peak() - self.before

    def _peak(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
