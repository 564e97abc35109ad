"""The greetings of a mailbox at the desk: shown, heard, set from every source, removed and restored."""

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


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """An account for all tests here: each has mailboxes of its own."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box()


def new_media(api: Api, name: str = "Away") -> dict[str, Any]:
    media: dict[str, Any] = api.put("media", {"name": name}).json()["data"]
    return media


def box_page(account: Account, box: dict[str, Any]) -> str:
    return f"desk/mailbox/{account.id}/{box['id']}/"


def greeting_page(account: Account, box: dict[str, Any], kind: str = "unavailable") -> str:
    return f"{box_page(account, box)}greetings/{kind}/"


def greetings_of(api: Api, box: dict[str, Any]) -> dict[str, Any]:
    media: dict[str, Any] = api.get(f"vmboxes/{box['id']}").json()["data"].get("media", {})
    return media


@pytest.mark.parametrize("kind", ["unavailable", "temporary_unavailable", "name"])
def test_an_uploaded_greeting_becomes_the_mailboxs(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], audio: Studio, kind: str
) -> None:
    desk, spoken = operator("Support"), audio("mp3").content
    page = desk.post(greeting_page(account, box, kind), files=file(spoken), expected="")
    assert "hear the new greeting" in page.text
    media_id = greetings_of(api, box)[kind]
    media = api.get(f"media/{media_id}").json()["data"]
    assert (media["source_type"], media["source_id"], media["media_source"]) == ("voicemail", box["id"], "upload")
    assert box["mailbox"] in media["name"]
    assert api.get(f"media/{media_id}/raw").content == spoken
    shown = operator("Read only").get(box_page(account, box)).text
    assert f'<source src="/admin/desk/media/{account.id}/{media_id}/audio/">' in shown
    assert "greetings/" not in shown
    assert "changed a greeting of" in desk.get(f"{box_page(account, box)}history/").text


def test_a_text_or_one_of_the_media_becomes_the_greeting(
    operator: Operator, account: Account, api: Api, box: dict[str, Any]
) -> None:
    desk, path = operator("Support"), greeting_page(account, box)
    desk.post(path, text="We are on holiday.", language="en-us", voice="female", expected="")
    spoken_id = greetings_of(api, box)["unavailable"]
    assert api.get(f"media/{spoken_id}").json()["data"]["tts"]["text"] == "We are on holiday."
    media = new_media(api, name="Of the account")
    assert "Of the account" in desk.get(path).text
    desk.post(path, existing=media["id"], expected=spoken_id)
    assert greetings_of(api, box)["unavailable"] == media["id"]
    assert api.get(f"media/{spoken_id}").status_code == 200


def test_a_removed_greeting_comes_back_by_undo(
    operator: Operator, account: Account, api: Api, box: dict[str, Any]
) -> None:
    media = new_media(api)
    api.patch(f"vmboxes/{box['id']}", {"media": {"temporary_unavailable": media["id"], "unavailable": media["id"]}})
    desk, path = operator("Support"), greeting_page(account, box, "temporary_unavailable")
    removed = desk.send(f"{path}remove/", expected=media["id"])
    assert "The greeting was removed" in removed.text
    assert f'name="previous" value="{media["id"]}"' in removed.text
    assert greetings_of(api, box) == {"unavailable": media["id"]}
    assert api.get(f"media/{media['id']}").status_code == 200
    desk.send(f"{path}remove/", expected="", previous=media["id"])
    assert greetings_of(api, box)["temporary_unavailable"] == media["id"]


def test_a_greeting_that_somebody_else_changed_is_not_overwritten(
    operator: Operator, account: Account, api: Api, box: dict[str, Any]
) -> None:
    mine, theirs = new_media(api, name="Mine")["id"], new_media(api, name="Theirs")["id"]
    api.patch(f"vmboxes/{box['id']}", {"media": {"unavailable": theirs}})
    desk, path = operator("Support"), greeting_page(account, box)
    page = desk.post(path, existing=mine, expected="").text
    assert "Somebody else changed this greeting" in page
    assert f'name="expected" value="{theirs}"' in page
    assert "was changed in the meantime" in desk.send(f"{path}remove/", expected=mine).text
    assert greetings_of(api, box)["unavailable"] == theirs
    desk.post(path, existing=mine, expected=theirs)
    assert greetings_of(api, box)["unavailable"] == mine


def test_the_owners_recorded_name_is_shown_and_changed(
    operator: Operator, account: Account, api: Api, db: Database, audio: Studio
) -> None:
    user = api.put("users", {"first_name": "Ada", "last_name": "Byron"}).json()["data"]
    box = api.new_box(owner_id=user["id"])
    path = greeting_page(account, box, "owner")
    support = operator("Support")
    assert "Of Ada Byron." in support.get(box_page(account, box)).text
    assert support.get(path).status_code == 403
    desk = operator("Administrators")
    desk.post(path, files=file(audio("mp3").content), expected="")
    media_id = (db.get(user["id"]) or {})["media"]["recorded_name"]
    assert media_id in support.get(box_page(account, box)).text
    assert "Ada Byron (recorded name)" in desk.get(f"desk/media/?account={account.id}").text
    desk.send(f"{path}remove/", expected=media_id)
    assert "recorded_name" not in (db.get(user["id"]) or {})["media"]
    api.delete(f"users/{user['id']}")
    assert "Of Ada Byron." not in desk.get(box_page(account, box)).text
    assert "This doesn&#x27;t exist" in desk.get(path).text


def test_a_greeting_whose_media_is_gone_is_said_to_be_gone(
    operator: Operator, account: Account, api: Api, db: Database, box: dict[str, Any]
) -> None:
    lost, silent = "0" * 32, new_media(api, name="Silent")["id"]
    api.patch(f"vmboxes/{box['id']}", {"media": {"unavailable": lost, "name": silent}})
    desk = operator("Support")
    page = desk.get(box_page(account, box)).text
    assert "no longer exists" in page
    assert "It has no audio." in page
    assert "no longer exists" in desk.get(greeting_page(account, box)).text
    odd = {"unavailable": ["x"], "temporary_unavailable": 7, "name": "_design/media"}
    db.update(box["id"], lambda doc: {**doc, "media": odd})
    assert desk.get(box_page(account, box)).status_code == 200
    db.update(box["id"], lambda doc: {**doc, "media": "none"})
    assert desk.get(greeting_page(account, box)).status_code == 200


def test_what_is_no_greeting_is_refused(
    operator: Operator, account: Account, api: Api, box: dict[str, Any], own_api: Api
) -> None:
    desk, path = operator("Support"), greeting_page(account, box)
    foreign = own_api.put("media", {"name": "Of another account"}).json()["data"]["id"]
    assert error_at(desk.post(path, existing=foreign, expected="").text, "existing")
    assert "choose one of the media" in error_at(desk.post(path, expected="").text, "file")
    media = new_media(api)["id"]
    page = desk.post(path, existing=media, text="Both", language="en-us", voice="male", expected="").text
    assert "Only one of these" in error_at(page, "existing")
    assert desk.get(greeting_page(account, box, "nothing")).status_code == 404
    assert greetings_of(api, box) == {}


def test_who_may_not_add_media_chooses_one(
    server: Running, service: Service, account: Account, api: Api, box: dict[str, Any], audio: Studio
) -> None:
    permissions = ("view_account", "view_mailbox", "change_mailbox")
    desk, path = new_operator(server.url, service, (), permissions), greeting_page(account, box)
    assert 'type="file"' not in desk.get(path).text
    page = desk.post(path, files=file(audio("mp3").content), expected="").text
    assert "Choose one of the media." in error_at(page, "existing")
    media = new_media(api)["id"]
    desk.post(path, existing=media, expected="")
    assert greetings_of(api, box) == {"unavailable": media}
    shown = desk.get(box_page(account, box)).text
    assert "Away" in shown
    assert "<audio" not in shown
