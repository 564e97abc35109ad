"""Audio that browsers can't play, converted for the desk's player while it waits."""

from pathlib import Path
from typing import Any

import pytest
import requests

from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.audio import Studio, milliseconds_of
from tests.support.kazoo_messages import leave, leave_spoken, stored
from tests.support.operators import Desk, new_operator
from tests.support.servers import Running, Service

NOW = gregorian.now()
GSM = (b"\xd8" + bytes(32)) * 150


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account: each test has its own mailboxes."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return {**(created := api.new_box()), "_id": created["id"]}


@pytest.fixture(scope="module")
def desk(server: Running, service: Service) -> Desk:
    """An operator who may listen."""
    return new_operator(server.url, service, ("Support",), ())


def page_of(account: Account, box: dict[str, Any], message_id: str, page: str = "") -> str:
    return f"desk/message/{account.id}/{box['id']}/{message_id}/{page}"


def get(desk: Desk, path: str, **headers: str) -> requests.Response:
    """The message's audio as MP3."""
    return desk.session.get(f"{desk.url}/admin/{path}?format=mp3", headers=headers, timeout=60)


def length_of(response: requests.Response, folder: Path) -> int:
    """The milliseconds that a converted recording plays."""
    assert (response.status_code, response.headers["Content-Type"]) == (200, "audio/mpeg")
    (folder / "converted.mp3").write_bytes(response.content)
    return milliseconds_of(folder / "converted.mp3")


@pytest.mark.parametrize("kind", ["amr", "caf", "webm"])
def test_audio_is_converted_and_nothing_is_stored(
    desk: Desk, account: Account, box: dict[str, Any], audio: Studio, tmp_path: Path, kind: str
) -> None:
    voice = audio(kind)
    message_id = leave_spoken(account, box, NOW, voice.content, voice.name, voice.content_type)
    before = stored(account, message_id)
    page = desk.get(page_of(account, box, message_id)).text
    assert "Download as MP3" in page
    assert f"({voice.content_type})" in page
    response = get(desk, page_of(account, box, message_id, "audio/"))
    assert length_of(response, tmp_path) == pytest.approx(voice.milliseconds, abs=60)
    assert stored(account, message_id) == before


def test_gsm_without_a_header_is_converted_by_its_type(
    desk: Desk, account: Account, box: dict[str, Any], tmp_path: Path
) -> None:
    message_id = leave_spoken(account, box, NOW, GSM, "voice.gsm", "audio/GSM")
    response = get(desk, page_of(account, box, message_id, "audio/"))
    assert length_of(response, tmp_path) == pytest.approx(3000, abs=60)


def test_parts_of_the_converted_audio_fit_together(
    desk: Desk, account: Account, box: dict[str, Any], audio: Studio
) -> None:
    message_id = leave_spoken(account, box, NOW, audio("amr").content, "voice.amr", "audio/amr")
    path = page_of(account, box, message_id, "audio/")
    whole = get(desk, path)
    length = len(whole.content)
    assert whole.headers["Content-Length"] == str(length)
    first, last = get(desk, path, Range="bytes=0-999"), get(desk, path, Range="bytes=1000-")
    assert (first.status_code, last.status_code) == (206, 206)
    assert first.headers["Content-Range"] == f"bytes 0-999/{length}"
    assert first.content + last.content == whole.content
    assert get(desk, path, Range=f"bytes={length}-").status_code == 416
    etag = whole.headers["ETag"]
    assert etag != desk.get(path).headers["ETag"]
    assert get(desk, path, **{"If-None-Match": etag}).status_code == 304
    assert desk.get(page_of(account, box, message_id, "history/")).text.count("listened to") == 1


def test_converted_audio_is_downloaded_under_a_name_that_fits(
    desk: Desk, account: Account, box: dict[str, Any], audio: Studio
) -> None:
    message_id = leave_spoken(account, box, NOW, audio("amr").content, "voice.amr", "audio/amr")
    response = desk.get(page_of(account, box, message_id, "audio/"), format="mp3", download="1")
    assert response.headers["Content-Disposition"].endswith(".mp3")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert desk.get(page_of(account, box, message_id, "history/")).text.count("downloaded") == 1


def test_what_holds_no_audio_is_refused(desk: Desk, account: Account, box: dict[str, Any]) -> None:
    message_id = leave_spoken(account, box, NOW, b"#!AMR\nno frames", "voice.amr", "audio/amr")
    response = get(desk, page_of(account, box, message_id, "audio/"))
    assert response.status_code == 422
    assert "can&#x27;t be converted" in response.text
    (silent,) = leave(account, box, [NOW])
    assert "This doesn&#x27;t exist" in get(desk, page_of(account, box, silent, "audio/")).text


def test_operators_who_may_not_listen_get_no_converted_audio(
    server: Running, service: Service, account: Account, box: dict[str, Any], audio: Studio
) -> None:
    message_id = leave_spoken(account, box, NOW, audio("amr").content, "voice.amr", "audio/amr")
    reader = new_operator(server.url, service, ("Read only",), ())
    assert get(reader, page_of(account, box, message_id, "audio/")).status_code == 403
    assert "format=mp3" not in reader.get(page_of(account, box, message_id)).text
