"""The length of a message whose audio is uploaded without one: that of the audio, in milliseconds."""

import base64
import json
from typing import Any

import pytest

from tests.support.api_client import Account, Api
from tests.support.audio import Audio, Studio
from tests.support.recordings import MP3, new_message, parts, stored

LONGER = "This message is quite a bit longer than the other one was."
FRAME = 130


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account: each test has its own mailboxes."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box()


def create(api: Api, box: dict[str, Any], voice: Audio, **sent: Any) -> str:
    """The path of a new message that was created together with its audio."""
    described = (None, "application/json", json.dumps({"data": {"caller_id_number": "1001", **sent}}).encode())
    body = parts(described, (voice.name, voice.content_type, voice.content))
    answer = api.request("PUT", f"vmboxes/{box['id']}/messages", **body)
    assert answer.status_code == 201, answer.text
    return f"vmboxes/{box['id']}/messages/{answer.json()['data']['media_id']}"


def length_of(api: Api, account: Account, path: str) -> int:
    """The length of a message, stored, shown and listed."""
    length: int = stored(account, path)["metadata"]["length"]
    assert api.get(path).json()["data"]["length"] == length
    listed = api.get(path.rpartition("/")[0]).json()["data"]
    assert length in [entry["length"] for entry in listed]
    return length


@pytest.mark.parametrize("kind", ["mp3", "wav", "webm", "latm"])
def test_audio_that_comes_with_its_message_is_measured(
    api: Api, account: Account, box: dict[str, Any], audio: Studio, kind: str
) -> None:
    voice = audio(kind)
    assert length_of(api, account, create(api, box, voice)) == pytest.approx(voice.milliseconds, abs=FRAME)
    assert length_of(api, account, create(api, box, voice, length=777)) == 777


def test_audio_that_follows_its_message_is_measured(
    api: Api, account: Account, box: dict[str, Any], audio: Studio
) -> None:
    path, voice = new_message(api, box), audio("wav")
    data = api.put(f"{path}/raw", voice.content, headers=MP3).json()["data"]
    assert data["length"] == pytest.approx(voice.milliseconds, abs=FRAME)
    assert length_of(api, account, path) == data["length"]


def test_other_audio_gets_its_own_length(api: Api, account: Account, box: dict[str, Any], audio: Studio) -> None:
    path, longer = create(api, box, audio("mp3")), audio("ogg", LONGER)
    api.request("PUT", f"{path}/raw", **parts((longer.name, longer.content_type, longer.content)))
    assert length_of(api, account, path) == pytest.approx(longer.milliseconds, abs=FRAME)
    uri = b"data:audio/wav;base64," + base64.b64encode(audio("wav").content)
    api.post(f"{path}/raw?verb=PUT", uri, headers={"Content-Type": "application/base64"})
    assert length_of(api, account, path) == pytest.approx(audio("wav").milliseconds, abs=FRAME)


def test_a_copy_keeps_the_length(api: Api, account: Account, box: dict[str, Any], audio: Studio) -> None:
    path, target = create(api, box, audio("wav")), api.new_box()
    (copy_id,) = api.post(path, {"source_id": [target["id"]]}).json()["data"]["succeeded"]
    copy_path = f"vmboxes/{target['id']}/messages/{copy_id}"
    assert length_of(api, account, copy_path) == length_of(api, account, path) > 1


@pytest.mark.parametrize("content", [b"ID3\x04\0\0\0\0\0\0no frames", b"RIFF\0\0\0\0WAVE", bytes(500)])
def test_what_cannot_be_measured_stays_one_millisecond(
    api: Api, account: Account, box: dict[str, Any], content: bytes
) -> None:
    path = new_message(api, box)
    assert api.put(f"{path}/raw", content, headers=MP3).json()["data"]["length"] == 1
    assert length_of(api, account, path) == 1
