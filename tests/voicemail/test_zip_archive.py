"""A ZIP of messages, of which CouchDB can't read some."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from couch.errors import Unreachable
from crossbar.errors import BadIdentifier
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.cutting import CuttingProxy, through
from tests.support.kazoo_messages import leave_spoken
from tests.support.zip_stream import read_forwards
from voicemail.messages import zip_archive

Archive = Callable[[list[str]], bytes]
NOW = gregorian.now()


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return {**(created := api.new_box()), "_id": created["id"]}


@pytest.fixture
def archive(account: Account, box: dict[str, Any]) -> Archive:
    """The ZIP of messages of the mailbox."""
    return lambda ids: b"".join(zip_archive.zip_stream({"_id": account.id}, box, ids))


def reads_audio_of(*ids: str) -> Callable[[bytes], bool]:
    """Whether a request is one for the audio of one of these messages."""
    return lambda head: any(f"{message_id}/msg.mp3".encode() in head for message_id in ids)


def test_one_recording_that_cannot_be_read_is_listed(account: Account, box: dict[str, Any], archive: Archive) -> None:
    sounds = [bytes([number]) * 200_000 for number in range(5)]
    ids = [leave_spoken(account, box, NOW - 60, sound) for sound in sounds]
    with CuttingProxy(settings.COUCHDB_URL, hangs_up_on=reads_audio_of(ids[0], ids[3])) as proxy, through(proxy):
        content = archive(ids)
    *files, missing = read_forwards(content).items()
    assert [stored for _, stored in files] == [sounds[1], sounds[2], sounds[4]]
    assert missing[0] == "missing.txt"
    lines = missing[1].decode().splitlines()
    assert lines == [f"{message_id}: {zip_archive.UNREADABLE}" for message_id in (ids[0], ids[3])]
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None


def test_without_any_audio_that_can_be_read_there_is_no_zip(
    account: Account, box: dict[str, Any], archive: Archive
) -> None:
    message_id = leave_spoken(account, box, NOW - 60, b"sound")
    proxy = CuttingProxy(settings.COUCHDB_URL, hangs_up_on=reads_audio_of(message_id))
    with proxy, through(proxy), pytest.raises(BadIdentifier):
        archive([message_id])


def test_no_zip_looks_complete_when_couchdb_goes_away(
    account: Account, box: dict[str, Any], archive: Archive
) -> None:
    ids = [leave_spoken(account, box, NOW - 60, bytes([number]) * 400_000) for number in range(5)]
    with CuttingProxy(settings.COUCHDB_URL) as proxy, through(proxy):
        pieces = zip_archive.zip_stream({"_id": account.id}, box, ids)
        assert next(pieces).startswith(b"PK")
        proxy.go_away()
        with pytest.raises(Unreachable):
            b"".join(pieces)


def test_many_messages_of_one_second_have_names_of_their_own(
    account: Account, box: dict[str, Any], archive: Archive
) -> None:
    ids = [leave_spoken(account, box, NOW - 60, bytes([number])) for number in range(4)]
    names = list(read_forwards(archive(ids)))
    stem = names[0].removesuffix(".mp3")
    assert names == [f"{stem}.mp3", f"{stem}-2.mp3", f"{stem}-3.mp3", f"{stem}-4.mp3"]
