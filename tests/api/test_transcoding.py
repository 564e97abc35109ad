"""Uploads to a service that converts audio to the mailbox's format."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings

from couch.database import Database
from crossbar.errors import ServerBusy
from tests.support.api_client import Account, Api
from tests.support.audio import Audio, Studio, milliseconds_of
from tests.support.kazoo_settings import system_settings
from tests.support.recordings import attachment, change, modb_and_id, new_message, parts, stored
from tests.support.servers import Running, Service, children, wait_until
from voicemail.audio import transcoding

TYPES = {"mp3": "audio/mpeg", "mp4": "audio/mp4", "wav": "audio/x-wav"}
BEGINNINGS = {"mp3": b"ID3", "mp4": b"\0\0\0\x1cftyp", "wav": b"RIFF"}
MP3 = {"Content-Type": "audio/mpeg"}
NO_AUDIO = {"file": {"wrong_format": {"message": "Please provide a media file that holds audio"}}}


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account: each test has its own mailboxes."""
    return shared_account


@pytest.fixture(scope="module")
def temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the services put their temporary files."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def converting(server_with: Callable[..., Running], temporary_folder: Path) -> Callable[..., Running]:
    """The service, converting audio, with other settings: ``converting(MAX_UPLOAD_BYTES="20000")``."""

    def start(**settings: str) -> Running:
        return server_with(**{"NORMALIZE_MEDIA": "1", "TMPDIR": str(temporary_folder), **settings})

    return start


@pytest.fixture(scope="module")
def server(converting: Callable[..., Running]) -> Running:
    """The service that `api` is a client of: it converts uploads by default."""
    return converting()


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    """A mailbox that keeps MP3."""
    return api.new_box()


def leave(api: Api, box: dict[str, Any], voice: Audio, name: str | None = None, **sent: Any) -> str:
    """The path of a new message with that audio."""
    described = (None, "application/json", json.dumps({"caller_id_number": "1001", **sent}).encode())
    body = parts(described, (voice.name if name is None else name, voice.content_type, voice.content))
    answer = api.request("PUT", f"vmboxes/{box['id']}/messages", **body)
    assert answer.status_code == 201, answer.text
    return f"vmboxes/{box['id']}/messages/{answer.json()['data']['media_id']}"


class TestFormats:
    """The formats of uploads and of stored audio."""

    @pytest.mark.parametrize("extension", ["mp3", "mp4", "wav"])
    @pytest.mark.parametrize("kind", ["mp3", "wav", "ogg", "opus", "mp4", "m4a", "webm", "caf"])
    def test_any_audio_is_converted_to_the_mailboxes_format(
        self, api: Api, account: Account, audio: Studio, kind: str, extension: str, tmp_path: Path
    ) -> None:
        voice = audio(kind)
        path = leave(api, api.new_box(media_extension=extension), voice)
        name, stub = attachment(account, path)
        assert (name, stub["content_type"]) == (f"{voice.path.stem}.{extension}", TYPES[extension])
        doc = stored(account, path)
        assert doc["media_filename"] == name
        assert doc["metadata"]["length"] == pytest.approx(voice.milliseconds, abs=5)
        heard = api.get(f"{path}/raw")
        assert heard.headers["Content-Type"] == TYPES[extension]
        assert heard.headers["Content-Disposition"].endswith(f".{extension}")
        assert len(heard.content) == stub["length"]
        assert heard.content.startswith(BEGINNINGS[extension])
        file = tmp_path / name
        file.write_bytes(heard.content)
        assert milliseconds_of(file) == pytest.approx(voice.milliseconds, abs=30)
        if extension == "mp4":  # with its index in front: it plays before all of it has arrived
            assert heard.content.index(b"moov") < heard.content.index(b"mdat")

    def test_gsm_without_a_header_is_converted_by_its_type(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        gsm = Audio(Path("voice.gsm"), "audio/x-gsm", (b"\xd8" + bytes(32)) * 150, 3000)
        path = leave(api, box, gsm)
        assert attachment(account, path)[1]["content_type"] == "audio/mpeg"
        assert stored(account, path)["metadata"]["length"] == 3000

    def test_latm_without_a_container_is_converted(
        self, api: Api, account: Account, audio: Studio, box: dict[str, Any]
    ) -> None:
        voice = audio("latm")
        path = leave(api, box, voice)
        assert attachment(account, path)[1]["content_type"] == "audio/mpeg"
        assert stored(account, path)["metadata"]["length"] == pytest.approx(voice.milliseconds, abs=130)

    def test_replaced_audio_is_converted_as_well(self, api: Api, account: Account, audio: Studio) -> None:
        path = new_message(api, api.new_box(media_extension="mp4"))
        voice = audio("wav")
        answer = api.put(f"{path}/raw", voice.content, headers={"Content-Type": "application/octet-stream"})
        assert answer.status_code == 201, answer.text
        name, stub = attachment(account, path)
        assert (name, stub["content_type"]) == ("message.mp4", "audio/mp4")
        assert answer.json()["data"]["length"] == pytest.approx(voice.milliseconds, abs=5)

    @pytest.mark.parametrize("extension", [None, "flac", ["wav"]])
    def test_a_mailbox_with_an_unknown_format_keeps_mp3(
        self, api: Api, account: Account, db: Database, box: dict[str, Any], audio: Studio, extension: Any
    ) -> None:
        db.update(box["id"], lambda doc: {**doc, "media_extension": extension})
        assert attachment(account, leave(api, box, audio("wav")))[1]["content_type"] == "audio/mpeg"

    def test_large_audio_is_converted_too(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        seconds = 600
        path = leave(api, box, silence(seconds))
        assert stored(account, path)["metadata"]["length"] == seconds * 1000
        assert attachment(account, path)[1]["length"] < seconds * 8000

    def test_concurrent_uploads_are_all_converted(
        self, api: Api, account: Account, box: dict[str, Any], audio: Studio
    ) -> None:
        voices = [audio(kind) for kind in ("mp3", "wav", "ogg", "mp4") * 3]
        with ThreadPoolExecutor(12) as pool:
            paths = list(pool.map(lambda voice: leave(Api(api.url, api.account_id, api.token), box, voice), voices))
        assert {attachment(account, path)[1]["content_type"] for path in paths} == {"audio/mpeg"}

    @pytest.mark.parametrize(
        ("sent", "named"),
        [
            ("$(touch x);rm -rf .wav", "(touch_x)_rm_-rf.mp3"),
            ("-i.wav", "i.mp3"),
            ("../../etc/passwd", "passwd.mp3"),
            ("http://127.0.0.1/x.wav", "x.mp3"),
            ("a\x01b.wav", "a_b.mp3"),
            ("", "message.mp3"),
        ],
    )
    def test_hostile_file_names_do_no_harm(
        self, api: Api, account: Account, box: dict[str, Any], audio: Studio, sent: str, named: str
    ) -> None:
        assert attachment(account, leave(api, box, audio("wav"), sent))[0] == named


class TestLength:
    """The length of a message, sent or measured."""

    def test_the_length_that_a_client_sends_is_kept(
        self, api: Api, account: Account, box: dict[str, Any], audio: Studio
    ) -> None:
        path = leave(api, box, audio("wav"), length=777)
        assert stored(account, path)["metadata"]["length"] == 777
        body = parts((None, "application/json", b'{"length": 888}'), ("a.wav", "audio/wav", audio("wav").content))
        assert api.request("PUT", f"{path}/raw", **body).json()["data"]["length"] == 888

    def test_a_length_sent_before_the_audio_is_kept(self, api: Api, box: dict[str, Any], audio: Studio) -> None:
        path = new_message(api, box, length=777) + "/raw"
        assert api.put(path, audio("mp3").content, headers=MP3).json()["data"]["length"] == 777

    def test_other_audio_gets_its_own_length(self, api: Api, box: dict[str, Any], audio: Studio) -> None:
        path = leave(api, box, audio("mp3"))
        longer = audio("mp3", "This message is quite a bit longer than the other one was.")
        answer = api.put(f"{path}/raw", longer.content, headers=MP3)
        assert answer.json()["data"]["length"] == pytest.approx(longer.milliseconds, abs=5)


def wav(content: bytes) -> bytes:
    """A WAV file with 8,000 samples per second, as telephones use."""
    size = len(content).to_bytes(4, "little")
    form = bytes.fromhex("10000000 0100 0100 401f0000 401f0000 0100 0800")
    return b"RIFF" + (len(content) + 36).to_bytes(4, "little") + b"WAVEfmt " + form + b"data" + size + content


def silence(seconds: int) -> Audio:
    content = wav(b"\x80" * 8000 * seconds)
    return Audio(Path("silence.wav"), "audio/x-wav", content, seconds * 1000)


NOT_AUDIO = {
    "text": b"This is no audio.\n" * 200,
    "page": b"<html><script>alert(1)</script></html>" * 50,
    "picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200),
    "bytes": bytes(range(256)) * 40,
    "a byte": b"a",
    "tag alone": b"ID3\x04\0\0\0\0\0\0" + b"x" * 1000,
    "no samples": wav(b""),
    "half a file": b"\0\0\0\x1cftypisom\0\0\x02\0isomiso2mp41" + bytes(100),
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "session": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
}


LISTS = ["#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile '{}'\n"]


class TestRefusals:
    """Uploads without audio."""

    @pytest.mark.parametrize("content", NOT_AUDIO.values(), ids=NOT_AUDIO.keys())
    @pytest.mark.parametrize("content_type", ["audio/mpeg", "application/octet-stream"])
    def test_a_file_without_audio_is_refused(
        self, api: Api, account: Account, box: dict[str, Any], content: bytes, content_type: str
    ) -> None:
        body = parts((None, "application/json", b"{}"), ("a.mp3", content_type, content))
        answer = api.request("PUT", f"vmboxes/{box['id']}/messages", **body)
        assert answer.status_code == 400, answer.text
        assert (answer.json()["message"], answer.json()["data"]) == ("validation error", NO_AUDIO)
        assert api.get(f"vmboxes/{box['id']}/messages").json()["data"] == []

    def test_a_refused_upload_keeps_the_old_audio(
        self, api: Api, account: Account, box: dict[str, Any], audio: Studio
    ) -> None:
        path = leave(api, box, audio("mp3"))
        revision, heard = stored(account, path)["_rev"], api.get(f"{path}/raw").content
        answer = api.put(f"{path}/raw", NOT_AUDIO["bytes"], headers=MP3)
        assert (answer.status_code, answer.json()["data"]) == (400, NO_AUDIO)
        assert stored(account, path)["_rev"] == revision
        assert api.get(f"{path}/raw").content == heard

    def test_another_media_type_is_refused(self, api: Api, box: dict[str, Any], audio: Studio) -> None:
        path = new_message(api, box) + "/raw"
        assert api.put(path, audio("mp3").content, headers={"Content-Type": "image/png"}).status_code == 415
        assert api.put(path, b"", headers=MP3).json()["data"]["file"]["required"]

    @pytest.mark.parametrize("list_of", LISTS)
    def test_a_playlist_of_urls_opens_no_url(self, api: Api, box: dict[str, Any], list_of: str) -> None:
        path = new_message(api, box) + "/raw"
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.settimeout(0)
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/a.mp3"
            assert api.put(path, list_of.format(url).encode(), headers=MP3).json()["data"] == NO_AUDIO
            with pytest.raises(BlockingIOError):
                listening.accept()

    def test_a_playlist_of_local_files_opens_no_file(self, api: Api, box: dict[str, Any], audio: Studio) -> None:
        named = audio("mp3").path
        path = new_message(api, box) + "/raw"
        for list_of in LISTS:
            assert api.put(path, list_of.format(named).encode(), headers=MP3).json()["data"] == NO_AUDIO

    def test_an_upload_to_a_message_past_its_retention_is_refused(
        self, api: Api, account: Account, box: dict[str, Any], audio: Studio
    ) -> None:
        path = leave(api, box, audio("mp3"))
        change(account, path, utc_seconds=63_000_000_000)
        answer = api.put(f"{path}/raw", audio("wav").content, headers={"Content-Type": "audio/wav"})
        assert answer.json()["message"] == "prior_to_retention_duration"


class TestBounds:
    """Limits of time and size."""

    def test_audio_that_takes_too_long_is_refused(
        self, converting: Callable[..., Running], api: Api, box: dict[str, Any]
    ) -> None:
        path = new_message(api, box) + "/raw"
        hasty = Api(converting(NORMALIZE_SECONDS="0.001").url, api.account_id, api.token)
        answer = hasty.put(path, silence(900).content, headers=MP3)
        assert answer.status_code == 400, answer.text
        assert "shorter" in answer.json()["data"]["file"]["wrong_format"]["message"]

    def test_a_result_that_is_too_large_is_refused(
        self, converting: Callable[..., Running], api: Api, account: Account, audio: Studio
    ) -> None:
        path = new_message(api, api.new_box(media_extension="wav")) + "/raw"
        small = Api(converting(MAX_UPLOAD_BYTES="20000").url, api.account_id, api.token)
        answer = small.put(path, audio("mp3").content, headers=MP3)
        assert (answer.status_code, answer.json()["data"]["limit"]) == (413, 20_000)
        modb, message_id = modb_and_id(account, path)
        assert "_attachments" not in (modb.get(message_id) or {})

    def test_an_upload_that_waits_too_long_for_a_slot_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, audio: Studio
    ) -> None:
        monkeypatch.setattr(transcoding, "_SLOT_TIMEOUT", 0)
        voice = audio("wav")
        with voice.path.open("rb") as file:
            for _ in range(settings.NORMALIZE_AT_ONCE):
                assert transcoding.slots().acquire(blocking=False)
            with pytest.raises(ServerBusy):
                transcoding.transcode(file, None)
            for _ in range(settings.NORMALIZE_AT_ONCE):
                transcoding.slots().release()
            assert transcoding.transcode(file, None).milliseconds == pytest.approx(voice.milliseconds, abs=5)


class TestCleanup:
    """Nothing is left behind."""

    def test_no_temporary_files_remain(
        self, temporary_folder: Path, api: Api, box: dict[str, Any], audio: Studio
    ) -> None:
        path = leave(api, box, audio("wav"))
        assert api.put(f"{path}/raw", silence(60).content, headers=MP3).status_code == 201
        assert api.put(f"{path}/raw", NOT_AUDIO["text"], headers=MP3).status_code == 400
        assert list(temporary_folder.iterdir()) == []

    def test_ffmpeg_ends_with_a_worker_that_is_killed(
        self, server: Running, temporary_folder: Path, api: Api, account: Account
    ) -> None:
        path = new_message(api, api.new_box(media_extension="mp4"))
        (worker,) = children(server.process.pid)
        with ThreadPoolExecutor(1) as pool:
            upload = pool.submit(api.put, f"{path}/raw", silence(7200).content, headers=MP3)
            wait_until(lambda: children(worker) != [])
            (ffmpeg,) = children(worker)
            os.kill(worker, signal.SIGKILL)
            with pytest.raises(requests.ConnectionError):
                upload.result()
        wait_until(lambda: not Path(f"/proc/{ffmpeg}").exists())
        assert list(temporary_folder.iterdir()) == []
        assert "_attachments" not in stored(account, path)


@pytest.fixture(scope="module")
def beside_kazoo(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service without a setting of its own, beside a Kazoo that normalizes."""
    with system_settings("crossbar.voicemail", {"normalize_media": True}):
        folder = tmp_path_factory.mktemp("beside-kazoo")
        running = service.with_settings(folder, NORMALIZE_MEDIA="", WEB_CONCURRENCY="1").start()
        yield running
        running.stop()


@pytest.mark.alone
class TestKazoosSettings:
    """Kazoo's own setting, in CouchDB."""

    @pytest.fixture
    def account(self, new_account: Callable[..., Account]) -> Account:
        """An account for each test: accounts have the setting, too."""
        return new_account()

    @pytest.fixture
    def server(self, beside_kazoo: Running) -> Running:
        """The service that `api` is a client of."""
        return beside_kazoo

    def test_kazoos_setting_is_respected(
        self, api: Api, account: Account, box: dict[str, Any], audio: Studio
    ) -> None:
        assert attachment(account, leave(api, box, audio("wav")))[1]["content_type"] == "audio/mpeg"

    def test_the_accounts_own_setting_is_respected(
        self, api: Api, account: Account, db: Database, box: dict[str, Any], audio: Studio
    ) -> None:
        db.put({"_id": "configs_crossbar.voicemail", "normalize_media": False})
        path = leave(api, box, audio("wav"))
        assert attachment(account, path)[1]["content_type"] == "audio/x-wav"
        assert api.get(f"{path}/raw").content == audio("wav").content
        assert stored(account, path)["metadata"]["length"] == pytest.approx(audio("wav").milliseconds, abs=5)

    def test_this_services_own_setting_comes_first(
        self, converting: Callable[..., Running], api: Api, account: Account, box: dict[str, Any], audio: Studio
    ) -> None:
        raw = Api(converting(NORMALIZE_MEDIA="0").url, api.account_id, api.token)
        path = leave(raw, box, audio("wav"))
        assert api.get(f"{path}/raw").content == audio("wav").content
