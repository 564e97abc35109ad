"""PUT /v2/accounts/{ACCOUNT_ID}/vmboxes/{VM_BOX_ID}/messages: metadata and audio in one request of several parts."""

import hashlib
import json
from email.encoders import encode_base64, encode_quopri
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import SMTP
from typing import Any

import pytest

from tests.support.api_client import Account, Api
from tests.support.audio import Studio
from tests.support.messages_of_box import messages_in, path_of, stored


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account: each test has its own mailboxes."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    """A mailbox."""
    return api.new_box()


def parts(*parts: tuple[str, str | None, str | None, bytes], subtype: str = "mixed") -> dict[str, Any]:
    """A body of parts (name, file name, content type, content) as the options of a request."""
    body = b""
    for name, filename, content_type, content in parts:
        named = f'; filename="{filename}"' if filename else ""
        body += f'--frontier\r\nContent-Disposition: form-data; name="{name}"{named}\r\n'.encode()
        body += f"Content-Type: {content_type}\r\n".encode() if content_type else b""
        body += b"\r\n" + content + b"\r\n"
    body += b"--frontier--\r\n"
    return {"data": body, "headers": {"Content-Type": f"multipart/{subtype}; boundary=frontier"}}


def json_part(value: Any) -> tuple[str, str | None, str | None, bytes]:
    return "content", "message.json", "application/json", json.dumps(value).encode()


def test_the_message_is_stored_with_its_audio(api: Api, box: dict[str, Any], account: Account, audio: Studio) -> None:
    voice = audio("mp3")
    data = {"data": {"caller_id_number": "1001", "length": voice.milliseconds}}
    files = [
        ("content", ("message.json", json.dumps(data), "application/json")),
        ("content", ("voice.mp3", voice.content, "audio/mp3")),
    ]
    answer = api.put(path_of(box), files=files)
    assert answer.status_code == 201, answer.text
    data = answer.json()["data"]
    assert data["caller_id_number"] == "1001"
    assert data["length"] == voice.milliseconds
    doc = stored(account, data["media_id"])
    assert doc["_rev"].startswith("1-")
    assert doc["media_filename"] == "voice.mp3"
    (name, stub), *other_stubs = doc["_attachments"].items()
    assert not other_stubs
    assert (name, stub["content_type"], stub["length"]) == ("voice.mp3", "audio/mp3", len(voice.content))
    raw = api.get(f"{path_of(box)}/{data['media_id']}/raw")
    assert hashlib.md5(raw.content).digest() == hashlib.md5(voice.content).digest()


@pytest.mark.parametrize("subtype", ["mixed", "form-data"])
@pytest.mark.parametrize("order", [1, -1])
def test_parts_are_distinguished_by_their_content_type(
    api: Api, box: dict[str, Any], account: Account, subtype: str, order: int
) -> None:
    both = [json_part({"data": {"caller_id_name": "X"}}), ("content", "a.wav", "audio/x-wav", b"RIFF")]
    answer = api.request("PUT", path_of(box), **parts(*both[::order], subtype=subtype))
    assert answer.status_code == 201, answer.text
    assert answer.json()["data"]["caller_id_name"] == "X"
    assert list(stored(account, answer.json()["data"]["id"])["_attachments"]) == ["a.wav"]


def test_the_json_may_be_the_bare_object(api: Api, box: dict[str, Any]) -> None:
    answer = api.request(
        "PUT", path_of(box), **parts(json_part({"caller_id_name": "X"}), ("c", "a.mp3", "audio/mpeg", b"a"))
    )
    assert answer.json()["data"]["caller_id_name"] == "X"


def test_parts_as_a_mail_program_encodes_them_are_decoded(
    api: Api, box: dict[str, Any], account: Account, audio: Studio
) -> None:
    voice = audio("mp3").content
    mail = MIMEMultipart("mixed", "frontier")
    mail.preamble, mail.epilogue = "This is a multipart message.", "The end."
    metadata = json.dumps({"data": {"caller_id_name": "Zoë = X"}}).encode()
    for kind, text, encode in (
        ("application/json", metadata, encode_quopri),
        ("audio/mpeg", voice, encode_base64),
    ):
        part = MIMENonMultipart(*kind.split("/"))
        part.set_payload(text)
        encode(part)
        mail.attach(part)
    content = mail.as_bytes(policy=SMTP).partition(b"\r\n\r\n")[2]
    answer = api.put(path_of(box), content, headers={"Content-Type": "multipart/mixed; boundary=frontier"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["data"]["caller_id_name"] == "Zoë = X"
    assert api.get(f"{path_of(box)}/{answer.json()['data']['media_id']}/raw").content == voice


def test_an_upload_without_audio_is_refused(api: Api, box: dict[str, Any], account: Account) -> None:
    before = messages_in(account)
    for data in ([json_part({"data": {}})], [json_part({}), ("content", "a.mp3", "audio/mpeg", b"")]):
        answer = api.request("PUT", path_of(box), **parts(*data))
        assert answer.status_code == 400
        assert answer.json()["data"] == {"file": {"required": {"message": "Please provide a media file"}}}
    assert messages_in(account) == before


def test_an_upload_with_two_files_is_refused(api: Api, box: dict[str, Any], account: Account) -> None:
    before = messages_in(account)
    voice = ("content", "a.mp3", "audio/mpeg", b"abc")
    answer = api.request("PUT", path_of(box), **parts(json_part({}), voice, voice))
    assert answer.status_code == 400
    assert list(answer.json()["data"]["file"]) == ["maxItems"]
    assert messages_in(account) == before


def test_metadata_is_validated_before_anything_is_stored(api: Api, box: dict[str, Any], account: Account) -> None:
    before = messages_in(account)
    voice = ("content", "a.mp3", "audio/mpeg", b"abc")
    answer = api.request("PUT", path_of(box), **parts(json_part({"data": {"folder": "inbox"}}), voice))
    assert answer.status_code == 400
    assert "folder" in answer.json()["data"]
    assert messages_in(account) == before


@pytest.mark.parametrize("content_type", ["image/png", "text/html", "application/zip", "audio/<b>"])
def test_another_media_type_is_refused(api: Api, box: dict[str, Any], account: Account, content_type: str) -> None:
    before = messages_in(account)
    answer = api.request("PUT", path_of(box), **parts(json_part({}), ("c", "a.mp3", content_type, b"abc")))
    assert answer.status_code == 415
    assert messages_in(account) == before


def test_a_body_that_does_not_match_its_content_type_is_refused(api: Api, box: dict[str, Any]) -> None:
    for kind, body in (("multipart/mixed", b"x"), ("multipart/mixed; boundary=a", b"--b\r\n")):
        answer = api.request("PUT", path_of(box), data=body, headers={"Content-Type": kind})
        assert answer.status_code == 400, answer.text
        assert answer.json()["status"] == "error"
