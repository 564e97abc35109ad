"""/v2/accounts/{ACCOUNT_ID}/media: greetings and other media, as Kazoo reads and writes them."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from couch.database import Database
from tests.support.api_client import Account, Api
from tests.support.audio import Audio, Studio, milliseconds_of
from tests.support.servers import Running


@pytest.fixture
def greeting(api: Api) -> dict[str, Any]:
    """A media without audio."""
    answer = api.put("media", {"name": "Away", "description": "For July"})
    assert answer.status_code == 201, answer.text
    media: dict[str, Any] = answer.json()["data"]
    return media


@pytest.fixture
def spoken(audio: Studio) -> Audio:
    """A recording."""
    return audio("mp3")


def send_audio(api: Api, media_id: str, audio: Audio, path: str = "/raw") -> None:
    headers = {"Content-Type": audio.content_type}
    answer = api.post(f"media/{media_id}{path}", data=audio.content, headers=headers)
    assert answer.status_code == 200, answer.text


class TestDocuments:
    """Creating, listing, changing and deleting."""

    def test_a_new_media_is_stored_as_kazoo_stores_it(
        self, api: Api, account: Account, db: Database, greeting: dict[str, Any]
    ) -> None:
        stored = db.get(greeting["id"]) or {}
        assert (stored["pvt_type"], stored["pvt_account_id"]) == ("media", account.id)
        members = ("name", "description", "media_source", "streamable", "language")
        assert [stored[member] for member in members] == ["Away", "For July", "upload", True, "en-us"]
        assert api.get(f"media/{greeting['id']}").json()["data"] == greeting

    def test_media_are_listed_by_name(self, api: Api, db: Database, greeting: dict[str, Any]) -> None:
        prompt = api.put("media", {"name": "A prompt", "prompt_id": "vm-enter_id", "language": "de-de"}).json()[
            "data"
        ]
        db.put({"_id": "1" * 32, "pvt_type": "private_media", "name": "A recording of 3.x"})
        api.delete(f"media/{api.put('media', {'name': 'Gone'}).json()['data']['id']}")
        listed = api.get("media").json()["data"]
        assert [(entry["id"], entry["name"], entry["is_prompt"]) for entry in listed] == [
            (prompt["id"], "A prompt", True),
            (greeting["id"], "Away", False),
        ]
        assert [entry["name"] for entry in api.get("media?filter_language=de-de").json()["data"]] == ["A prompt"]

    def test_media_are_counted_by_language_and_prompt(self, api: Api, db: Database, greeting: dict[str, Any]) -> None:
        prompt = api.put("media", {"name": "B", "prompt_id": "vm-enter_id", "language": "de-de"}).json()["data"]
        db.update(greeting["id"], lambda doc: {key: value for key, value in doc.items() if key != "language"})
        assert api.get("media/languages").json()["data"] == [{"de-de": 1, "missing": 1}]
        assert api.get("media/languages/de-de").json()["data"] == [prompt["id"]]
        assert api.get("media/languages/missing").json()["data"] == [greeting["id"]]
        assert api.get("media/prompts").json()["data"] == [{"vm-enter_id": 1}]
        assert api.get("media/prompts/vm-enter_id").json()["data"] == [prompt["id"]]
        assert api.get("media/prompts/vm-other").status_code == 404

    def test_a_change_keeps_the_audio_and_what_it_is(
        self, api: Api, db: Database, greeting: dict[str, Any], spoken: Audio
    ) -> None:
        path = f"media/{greeting['id']}"
        send_audio(api, greeting["id"], spoken)
        assert api.patch(path, {"description": None, "content_type": "text/html"}).status_code == 200
        replaced = api.post(path, {"name": "Back soon"}).json()["data"]
        assert (replaced["name"], replaced["content_type"]) == ("Back soon", spoken.content_type)
        assert "description" not in (db.get(greeting["id"]) or {})
        assert api.get(f"{path}/raw").content == spoken.content

    @pytest.mark.parametrize(
        ("members", "field"),
        [
            ({}, "name"),
            ({"name": ""}, "name"),
            ({"name": "x" * 129}, "name"),
            ({"name": "A", "media_source": "stolen"}, "media_source"),
            ({"name": "A", "tts": {"text": ""}}, "tts.text"),
        ],
    )
    def test_faulty_members_are_refused(self, api: Api, members: dict[str, Any], field: str) -> None:
        answer = api.put("media", members)
        assert answer.status_code == 400
        assert field in answer.json()["data"]

    def test_a_deleted_media_stays_stored_unless_it_goes_for_good(
        self, api: Api, db: Database, greeting: dict[str, Any], spoken: Audio
    ) -> None:
        path = f"media/{greeting['id']}"
        send_audio(api, greeting["id"], spoken)
        assert api.delete(path).json()["data"]["name"] == "Away"
        assert (db.get(greeting["id"]) or {})["pvt_deleted"] is True
        assert [api.get(p).status_code for p in (path, f"{path}/raw")] == [404, 404]
        second = api.put("media", {"name": "Second"}).json()["data"]["id"]
        assert api.delete(f"media/{second}?hard_delete=true").status_code == 200
        assert db.get(second) is None
        assert api.delete(f"media/{second}?hard_delete=true").status_code == 404

    def test_another_revision_than_the_one_seen_is_not_changed(self, api: Api, greeting: dict[str, Any]) -> None:
        path, stale = f"media/{greeting['id']}", {"If-Match": "1-0"}
        assert api.patch(path, {"name": "B"}, headers=stale).status_code == 412
        assert api.delete(path, headers=stale).status_code == 412
        assert api.get(path).json()["data"]["name"] == "Away"

    @pytest.mark.parametrize("media_id", ["nothing", "_design%2Fmedia", "x" * 300, "0" * 32])
    def test_an_id_of_nothing_is_not_found(self, api: Api, media_id: str) -> None:
        assert api.get(f"media/{media_id}").status_code == 404
        assert api.get(f"media/{media_id}/raw").status_code == 404

    def test_a_listed_media_is_found_whatever_its_id(self, api: Api, db: Database) -> None:
        db.put({"_id": "greeting-of-3.x", "pvt_type": "media", "name": "Old"})
        assert [entry["id"] for entry in api.get("media").json()["data"]] == ["greeting-of-3.x"]
        assert api.get("media/greeting-of-3.x").json()["data"]["name"] == "Old"
        assert api.patch("media/greeting-of-3.x", {"name": "Older"}).status_code == 200

    def test_other_documents_are_no_media(self, api: Api, db: Database) -> None:
        box = api.new_box("3000")
        assert api.get(f"media/{box['id']}").status_code == 404
        assert api.delete(f"media/{box['id']}?hard_delete=true").status_code == 404
        assert db.get(box["id"]) is not None


class TestAudio:
    """media/{MEDIA_ID}/raw."""

    @pytest.mark.parametrize("path", ["/raw", ""])
    def test_audio_is_stored_and_given_back(
        self, api: Api, db: Database, greeting: dict[str, Any], spoken: Audio, path: str
    ) -> None:
        send_audio(api, greeting["id"], spoken, path)
        stored = db.get(greeting["id"]) or {}
        (stub,) = stored["_attachments"].values()
        assert (stub["content_type"], stub["length"]) == (spoken.content_type, len(spoken.content))
        assert (stored["content_type"], stored["content_length"]) == (spoken.content_type, len(spoken.content))
        answer = api.get(f"media/{greeting['id']}/raw")
        assert (answer.content, answer.headers["Content-Type"]) == (spoken.content, spoken.content_type)
        assert answer.headers["Content-Disposition"] == f"attachment; filename={greeting['name']}.mp3"
        part = api.get(f"media/{greeting['id']}/raw", headers={"Range": "bytes=2-5"})
        assert (part.status_code, part.content) == (206, spoken.content[2:6])

    def test_the_second_upload_takes_the_place_of_the_first(
        self, api: Api, db: Database, greeting: dict[str, Any], audio: Studio
    ) -> None:
        first, second = audio("wav"), audio("ogg")
        for recording in (first, second):
            send_audio(api, greeting["id"], recording)
        assert len((db.get(greeting["id"]) or {})["_attachments"]) == 1
        assert api.get(f"media/{greeting['id']}/raw").content == second.content

    def test_a_data_uri_is_decoded(self, api: Api, greeting: dict[str, Any], spoken: Audio) -> None:
        uri = f"data:audio/mp3;base64,{base64.b64encode(spoken.content).decode()}"
        headers = {"Content-Type": "application/x-base64"}
        answer = api.post(f"media/{greeting['id']}/raw", data=uri.encode(), headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["content_type"] == "audio/mp3"
        assert api.get(f"media/{greeting['id']}/raw").content == spoken.content

    def test_what_is_no_audio_is_refused_and_changes_nothing(
        self, api: Api, greeting: dict[str, Any], spoken: Audio
    ) -> None:
        send_audio(api, greeting["id"], spoken)
        path = f"media/{greeting['id']}/raw"
        empty = api.post(path, data=b"", headers={"Content-Type": "audio/mpeg"})
        picture = api.post(path, data=b"\x89PNG", headers={"Content-Type": "image/png"})
        assert (empty.status_code, picture.status_code) == (400, 415)
        assert api.get(path).content == spoken.content

    def test_a_media_without_audio_has_none_to_give(self, api: Api, greeting: dict[str, Any]) -> None:
        assert api.get(f"media/{greeting['id']}/raw").status_code == 404


class TestSpeech:
    """Media whose audio is a spoken text."""

    TEXT = "Nobody is at home. Please call again tomorrow."

    def spoken(self, api: Api, **tts: str) -> dict[str, Any]:
        answer = api.put("media", {"name": "Closed", "media_source": "tts", "tts": {"text": self.TEXT, **tts}})
        assert answer.status_code == 201, answer.text
        media: dict[str, Any] = answer.json()["data"]
        return media

    def test_a_text_is_spoken_and_stored_with_its_media(self, api: Api, db: Database, tmp_path: Path) -> None:
        media = self.spoken(api, voice="male/en-GB")
        stored = db.get(media["id"]) or {}
        assert (stored["media_source"], stored["tts"]) == ("tts", {"text": self.TEXT, "voice": "male/en-GB"})
        answer = api.get(f"media/{media['id']}/raw")
        assert answer.headers["Content-Type"] == media["content_type"] == "audio/mpeg"
        assert answer.headers["Content-Disposition"] == "attachment; filename=Closed.mp3"
        assert media["content_length"] == len(answer.content)
        (tmp_path / "spoken.mp3").write_bytes(answer.content)
        assert 2_000 < milliseconds_of(tmp_path / "spoken.mp3") < 8_000

    def test_a_text_without_a_source_is_spoken(self, api: Api) -> None:
        media = api.put("media", {"name": "Closed", "tts": {"text": self.TEXT}}).json()["data"]
        assert (media["media_source"], media["content_type"]) == ("tts", "audio/mpeg")

    def test_voices_sound_different(self, api: Api) -> None:
        ids = [self.spoken(api, voice=voice)["id"] for voice in ("female/en-US", "male/en-US", "female/de-DE")]
        assert len({api.get(f"media/{media_id}/raw").content for media_id in ids}) == 3

    def test_another_text_is_spoken_anew_and_the_same_is_not(self, api: Api, db: Database) -> None:
        media = self.spoken(api)
        path = f"media/{media['id']}"
        revision = (db.get(media["id"]) or {})["_attachments"]["Closed.mp3"]["revpos"]
        assert api.patch(path, {"name": "Closed today"}).status_code == 200
        assert (db.get(media["id"]) or {})["_attachments"]["Closed.mp3"]["revpos"] == revision
        changed = api.patch(path, {"tts": {"text": "Back on Monday."}}).json()["data"]
        assert (changed["name"], changed["tts"]["text"]) == ("Closed today", "Back on Monday.")
        assert changed["content_length"] < media["content_length"] / 2
        replaced = api.post(path, {**changed, "tts": {"text": self.TEXT}}).json()["data"]
        assert len(api.get(f"{path}/raw").content) == replaced["content_length"] > 2 * changed["content_length"]

    def test_an_upload_takes_the_place_of_speech(self, api: Api, db: Database, spoken: Audio) -> None:
        media = self.spoken(api)
        send_audio(api, media["id"], spoken)
        assert (db.get(media["id"]) or {})["media_source"] == "upload"
        assert api.get(f"media/{media['id']}/raw").content == spoken.content

    @pytest.mark.parametrize(
        ("tts", "field"),
        [
            ({}, "tts.text"),
            ({"text": " \x01\n"}, "tts.text"),
            ({"text": "word " * 700}, "tts.text"),
            ({"text": "A", "voice": "female/xx-YY"}, "tts.voice"),
            ({"text": "A", "voice": "-w /etc/passwd"}, "tts.voice"),
            ({"text": "A", "voice": "../../etc"}, "tts.voice"),
        ],
    )
    def test_what_can_not_be_spoken_is_refused(self, api: Api, tts: dict[str, str], field: str) -> None:
        answer = api.put("media", {"name": "A", "media_source": "tts", "tts": tts})
        assert answer.status_code == 400
        assert field in answer.json()["data"]
        assert api.get("media").json()["data"] == []

    def test_a_text_is_no_command(self, api: Api, tmp_path: Path) -> None:
        text = f"--voices; $(touch {tmp_path}/a) `touch {tmp_path}/b` \x01 -w {tmp_path}/c"
        assert api.put("media", {"name": "A", "tts": {"text": text}}).status_code == 201
        assert list(tmp_path.iterdir()) == []

    def test_a_stored_text_stays_where_nothing_is_spoken(
        self, api: Api, db: Database, account: Account, server_with: Callable[..., Running]
    ) -> None:
        media_id = "5" * 32
        members = {"name": "Old", "media_source": "tts", "tts": {"text": "Spoken by Kazoo", "voice": "female/en-US"}}
        db.put({"_id": media_id, "pvt_type": "media", "pvt_account_id": account.id, **members})
        mute = Api(server_with(ESPEAK_NG="espeak-ng-is-not-here").url, account.id, api.token)
        assert mute.patch(f"media/{media_id}", {"name": "Older"}).status_code == 200
        refused = [
            mute.put("media", members),
            mute.patch(f"media/{media_id}", {"tts": {"text": "Another"}}),
        ]
        assert [answer.status_code for answer in refused] == [501, 501]
        envelope = refused[0].json()
        assert (envelope["status"], envelope["error"], envelope["message"]) == ("error", "501", "not_implemented")
        assert "espeak-ng" in envelope["data"]["message"]
        assert (db.get(media_id) or {})["tts"]["text"] == "Spoken by Kazoo"


class TestRights:
    """Who may do what."""

    def test_users_may_look_and_listen_only(
        self, api: Api, account: Account, greeting: dict[str, Any], spoken: Audio, log_in: Callable[..., Api]
    ) -> None:
        send_audio(api, greeting["id"], spoken)
        api.put("users", {"first_name": "A", "last_name": "B", "username": "ada", "password": "secret 1"})
        user, path = log_in(account, "ada", "secret 1"), f"media/{greeting['id']}"
        assert [user.get(p).status_code for p in ("media", path, f"{path}/raw")] == [200, 200, 200]
        refused = [user.put("media", {"name": "A"}), user.patch(path, {"name": "B"}), user.delete(path)]
        headers = {"Content-Type": "audio/mpeg"}
        refused += [user.post(p, data=spoken.content, headers=headers) for p in (path, f"{path}/raw")]
        assert [answer.status_code for answer in refused] == [403] * 5

    def test_another_account_sees_nothing(
        self,
        greeting: dict[str, Any],
        account: Account,
        new_account: Callable[..., Account],
        log_in: Callable[..., Api],
    ) -> None:
        stranger = log_in(new_account())
        assert stranger.get(f"media/{greeting['id']}").status_code == 404
        assert stranger.get(f"/v2/accounts/{account.id}/media/{greeting['id']}").status_code in (403, 404)
