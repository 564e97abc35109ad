"""Messages of which a test looks at the audio: making them, and what is stored of them."""

import json
from typing import Any

from couch.client import couch
from couch.database import Database
from storage import database_names
from tests.support.api_client import Account, Api

MAY_2016 = 63_630_058_722  # 2016-05-10 00:18:42 UTC
CONTENT = bytes(range(256)) * 40
MP3 = {"Content-Type": "audio/mpeg"}


def new_message(api: Api, box: dict[str, Any], **sent: Any) -> str:
    answer = api.put(f"vmboxes/{box['id']}/messages", {"caller_id_number": "1001", **sent})
    assert answer.status_code == 201, answer.text
    return f"vmboxes/{box['id']}/messages/{answer.json()['data']['media_id']}"


def old_message(api: Api, box: dict[str, Any], **sent: Any) -> str:
    """The path of the audio of a message of 2016, stored with it: it is too old to get another one."""
    described = (None, "application/json", json.dumps({"timestamp": MAY_2016, **sent}).encode())
    body = parts(described, ("voice.mp3", "audio/mpeg", CONTENT))
    answer = api.request("PUT", f"vmboxes/{box['id']}/messages", **body)
    assert answer.status_code == 201, answer.text
    return f"vmboxes/{box['id']}/messages/{answer.json()['data']['media_id']}/raw"


def modb_and_id(account: Account, path: str) -> tuple[Database, str]:
    message_id = path.split("/")[3]
    month = database_names.month_of_message(message_id)
    assert month is not None
    return couch().database(database_names.modb(account.id, month)), message_id


def stored(account: Account, path: str) -> dict[str, Any]:
    modb, message_id = modb_and_id(account, path)
    doc = modb.get(message_id)
    assert doc is not None
    return doc


def change(account: Account, path: str, **fields: Any) -> None:
    """Change a message's document as another program would; a field given as None is dropped."""
    modb, message_id = modb_and_id(account, path)
    modb.update(message_id, lambda doc: {k: v for k, v in {**doc, **fields}.items() if v is not None})


def attachment(account: Account, path: str) -> tuple[str, dict[str, Any]]:
    """The name and stub of a message's one attachment."""
    ((name, stub),) = stored(account, path)["_attachments"].items()
    return name, stub


def parts(*parts: tuple[str | None, str | None, bytes]) -> dict[str, Any]:
    """A multipart body of parts (file name, content type, content), as the options of a request."""
    body = b""
    for filename, content_type, content in parts:
        named = f'; filename="{filename}"' if filename is not None else ""
        body += f'--frontier\r\nContent-Disposition: form-data; name="content"{named}\r\n'.encode()
        body += f"Content-Type: {content_type}\r\n".encode() if content_type else b""
        body += b"\r\n" + content + b"\r\n"
    body += b"--frontier--\r\n"
    return {"data": body, "headers": {"Content-Type": "multipart/mixed; boundary=frontier"}}
