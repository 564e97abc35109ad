"""Stored audio converted for those who can't play it: its limits."""

from typing import Any

import pytest
from django.conf import settings

from crossbar.errors import ServerBusy
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.kazoo_messages import database, leave_spoken, stored
from voicemail.audio import playback, recording, transcoding
from voicemail.audio.recording import Recording


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box()


@pytest.fixture
def spoken(account: Account, box: dict[str, Any], audio: Studio) -> Recording:
    """A message in AMR."""
    content = audio("amr").content
    message_id = leave_spoken(account, box, gregorian.now() - 60, content, "voice.amr", "audio/amr")
    return recording.locate(database(account, message_id), stored(account, message_id))


def test_audio_that_is_too_large_is_not_converted(spoken: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback, "_MAX_BYTES", spoken.length)
    playback.convert(spoken).file.close()
    monkeypatch.setattr(playback, "_MAX_BYTES", spoken.length - 1)
    with pytest.raises(playback.NotConvertible):
        playback.convert(spoken)


def test_audio_that_becomes_too_large_is_not_converted(spoken: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAX_UPLOAD_BYTES", 100)
    with pytest.raises(playback.NotConvertible):
        playback.convert(spoken)


def test_few_recordings_are_converted_at_a_time(spoken: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcoding, "_SLOT_TIMEOUT", 0)
    slots = transcoding.slots()
    for _ in range(settings.NORMALIZE_AT_ONCE):
        assert slots.acquire(blocking=False)
    try:
        with pytest.raises(ServerBusy):
            playback.convert(spoken)
    finally:
        for _ in range(settings.NORMALIZE_AT_ONCE):
            slots.release()
