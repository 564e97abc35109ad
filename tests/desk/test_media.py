"""An account's media at the desk: listed, heard, uploaded, spoken, changed, removed and restored."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from couch.database import Database
from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.operators import Desk, new_operator
from tests.support.servers import Running, Service
from tests.support.uploads import error_at, file

Operator = Callable[..., Desk]
TEXT = "We are closed. Please call again tomorrow."


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """An account for all tests here: each has media of its own."""
    return shared_account


@pytest.fixture(scope="module")
def mute(server_with: Callable[..., Running]) -> Running:
    """A service without espeak-ng."""
    return server_with(ESPEAK_NG="espeak-ng-is-not-here")


def new_media(api: Api, **members: Any) -> dict[str, Any]:
    answer = api.put("media", {"name": "Away", **members})
    assert answer.status_code == 201, answer.text
    media: dict[str, Any] = answer.json()["data"]
    return media


def page_of(account: Account, media: dict[str, Any], page: str = "") -> str:
    return f"desk/media/{account.id}/{media['id']}/{page}"


def named(api: Api, name: str) -> dict[str, Any]:
    """The one media with a name."""
    (entry,) = api.get("media", params={"filter_name": name}).json()["data"]
    media: dict[str, Any] = api.get(f"media/{entry['id']}").json()["data"]
    return media


def test_an_uploaded_media_is_stored_listed_and_heard(
    operator: Operator, account: Account, api: Api, audio: Studio
) -> None:
    desk, spoken = operator("Support"), audio("mp3").content
    path = f"desk/media/{account.id}/add/"
    page = desk.post(path, files=file(spoken), name="Holiday <b>", description="For July", language="de-de")
    assert "“Holiday &lt;b&gt;” was created." in page.text
    media = named(api, "Holiday <b>")
    members = ("description", "language", "media_source", "content_type", "content_length")
    assert [media[member] for member in members] == ["For July", "de-de", "upload", "audio/mpeg", len(spoken)]
    row = re.search(
        r"Holiday &lt;b&gt;.*?</tr>", desk.get(f"desk/media/?account={account.id}&q=holid").text, re.DOTALL
    )
    assert row is not None
    assert "audio/mpeg" in row[0]
    reader = operator("Read only")
    assert 'id="player"' in reader.get(page_of(account, media)).text
    answer = reader.get(page_of(account, media, "audio/"), download="1")
    assert answer.content == spoken
    assert "Holiday_b.mp3" in answer.headers["Content-Disposition"]
    assert "created" in desk.get(page_of(account, media, "history/")).text


def test_what_telephones_do_not_play_is_converted(
    operator: Operator, account: Account, api: Api, audio: Studio
) -> None:
    desk, path = operator("Support"), f"desk/media/{account.id}/add/"
    desk.post(path, files=file(audio("webm").content, "r.webm", "audio/webm"), name="From a browser", recorded="yes")
    recorded = named(api, "From a browser")
    assert (recorded["media_source"], recorded["content_type"]) == ("recording", "audio/mpeg")
    desk.post(path, files=file(audio("m4a").content, "r.m4a", "audio/mp4"), name="From a phone")
    assert named(api, "From a phone")["content_type"] == "audio/mpeg"
    desk.post(path, files=file(audio("wav").content, "r.wav", "audio/x-wav"), name="As it is")
    media = named(api, "As it is")
    assert media["content_type"] == "audio/x-wav"
    assert api.get(f"media/{media['id']}/raw").content == audio("wav").content
    assert operator("Support").get(page_of(account, media, "audio/"), format="mp3").content[:3] == b"ID3"


def test_a_text_is_heard_before_it_is_stored_and_then_stored(operator: Operator, account: Account, api: Api) -> None:
    desk, path = operator("Support"), f"desk/media/{account.id}/add/"
    preview = desk.send(f"desk/media/{account.id}/speech/", text=TEXT, language="en-gb", voice="male")
    assert (preview.status_code, preview.headers["Content-Type"]) == (200, "audio/mpeg")
    assert len(preview.content) > 5_000
    assert api.get("media", params={"filter_name": "Closed"}).json()["data"] == []
    desk.post(path, name="Closed", text=TEXT, language="en-gb", voice="male")
    media = named(api, "Closed")
    assert (media["media_source"], media["tts"]) == ("tts", {"text": TEXT, "voice": "male/en-gb"})
    assert media["language"] == "en-gb"
    assert TEXT in desk.get(page_of(account, media)).text
    replaced = desk.fill_in(page_of(account, media, "upload/"), text="Closed today.", voice="female")
    assert "The audio of “Closed” was replaced." in replaced.text
    changed = named(api, "Closed")
    assert changed["tts"] == {"text": "Closed today.", "voice": "female/en-gb"}
    assert changed["content_length"] < media["content_length"]


def test_a_preview_says_what_is_wrong(operator: Operator, account: Account) -> None:
    desk = operator("Support")
    path = f"desk/media/{account.id}/speech/"
    for fields, error in (
        ({"text": "", "language": "en-us", "voice": "male"}, "Please provide a text to speak."),
        ({"text": "A", "language": "xx", "voice": "male"}, "Please provide a voice like female/en-US"),
        ({"text": "A" * 3_001, "language": "en-us", "voice": "male"}, "not be more than 3000 characters"),
    ):
        answer = desk.send(path, **fields)
        assert answer.status_code == 400
        assert error in answer.json()["error"]


def test_errors_are_at_their_fields_and_nothing_is_stored(operator: Operator, account: Account, api: Api) -> None:
    desk, path = operator("Support"), f"desk/media/{account.id}/add/"
    before = api.get("media").json()["data"]
    assert "Record something, choose a file" in error_at(desk.post(path, name="A").text, "file")
    assert "Only one of these" in error_at(desk.post(path, files=file(b"ID3 x"), name="A", text="A").text, "text")
    assert "This isn&#x27;t audio" in error_at(
        desk.post(path, files=file(b"%PDF", "a.pdf", "application/pdf"), name="A").text, "file"
    )
    assert "voice like" in error_at(desk.post(path, name="A", text="A", language="xx-yy").text, "language")
    assert error_at(desk.post(path, name="", text="A").text, "name")
    broken = file(b"\x1a\x45\xdf\xa3 nothing else", "r.webm", "audio/webm")
    assert "holds audio" in error_at(desk.post(path, files=broken, name="A").text, "file")
    assert api.get("media").json()["data"] == before


def test_where_nothing_can_be_spoken_no_text_is_asked_for(
    mute: Running, service: Service, account: Account, api: Api, audio: Studio
) -> None:
    desk, path = new_operator(mute.url, service, ("Support",), ()), f"desk/media/{account.id}/add/"
    assert "Or a text that is spoken" not in desk.get(path).text
    answer = desk.send(f"desk/media/{account.id}/speech/", text="A", language="en-us", voice="male")
    assert answer.status_code == 501
    assert "espeak-ng" in answer.json()["error"]
    desk.post(path, files=file(audio("mp3").content), name="Without speech")
    assert named(api, "Without speech")["media_source"] == "upload"


def test_a_media_is_renamed_unless_somebody_else_changed_it(operator: Operator, account: Account, api: Api) -> None:
    media = new_media(api, name="Old name")
    desk, path = operator("Support"), page_of(account, media, "change/")
    opened = desk.get(path)
    assert "The media was changed." in desk.fill_in(path, name="New name").text
    assert named(api, "New name")["id"] == media["id"]
    late = desk.fill_in(path, opened, name="Late name")
    assert "Changed in the meantime" in late.text
    assert api.get(f"media/{media['id']}").json()["data"]["name"] == "New name"
    assert "<b>name</b>" in desk.get(page_of(account, media, "history/")).text


def test_audio_that_somebody_else_replaced_is_not_overwritten(
    operator: Operator, account: Account, api: Api, audio: Studio
) -> None:
    media = new_media(api, name="Replaced", tts={"text": "One."})
    desk, path = operator("Support"), page_of(account, media, "upload/")
    opened = desk.get(path)
    headers = {"Content-Type": "audio/mpeg"}
    assert api.post(f"media/{media['id']}/raw", data=audio("mp3").content, headers=headers).status_code == 200
    late = desk.fill_in(path, opened, text="Two.")
    assert "Somebody else replaced the audio" in late.text
    assert api.get(f"media/{media['id']}/raw").content == audio("mp3").content
    assert "was replaced." in desk.fill_in(path, late).text
    assert named(api, "Replaced")["tts"]["text"] == "Two."


def test_a_removed_media_can_be_restored(operator: Operator, account: Account, api: Api, db: Database) -> None:
    media = new_media(api, name="Short-lived")
    box = api.new_box(media={"unavailable": media["id"]})
    desk = operator("Support")
    question = desk.get(page_of(account, media, "delete/")).text
    assert f"It is used by {box['mailbox']}" in question
    assert f"{box['mailbox']} " in desk.get(page_of(account, media)).text
    assert "Undo" in desk.post(page_of(account, media, "delete/")).text
    assert api.get(f"media/{media['id']}").status_code == 404
    assert "no longer exists" in desk.get(f"desk/mailbox/{account.id}/{box['id']}/").text
    restored = desk.send(page_of(account, media, "restore/"))
    assert "“Short-lived” was restored." in restored.text
    assert api.get(f"media/{media['id']}").json()["data"]["name"] == "Short-lived"


def test_the_list_says_which_mailboxes_use_a_media(operator: Operator, account: Account, api: Api) -> None:
    media = new_media(api, name="Of two mailboxes")
    numbers = [api.new_box(media={kind: media["id"]})["mailbox"] for kind in ("unavailable", "name")]
    page = operator("Read only").get(f"desk/media/?account={account.id}&q=two mailboxes").text
    assert f"{numbers[0]}" in page
    assert "(unavailable)" in page
    assert "(recorded name)" in page


def test_odd_media_make_no_page_fail(operator: Operator, account: Account, db: Database) -> None:
    odd: list[dict[str, Any]] = [
        {"name": None, "tts": "x", "media_source": "tts"},
        {"name": {"a": 1}, "language": 7, "media_source": ["x"], "description": []},
        {"name": "\u202e" * 300, "tts": {"text": [1], "voice": 2}, "media_source": "tts"},
    ]
    desk = operator()
    for number, members in enumerate(odd):
        media = {"id": f"odd-media-{number}"}
        db.put({"_id": media["id"], "pvt_type": "media", "pvt_account_id": account.id, **members})
        for page in ("", "change/", "upload/", "delete/", "history/"):
            assert desk.get(page_of(account, media, page)).status_code == 200, (number, page)
    assert desk.get(f"desk/media/?account={account.id}").status_code == 200
    assert desk.get(f"desk/media/?account={account.id}&q=x").status_code == 200
