"""Below /v2/accounts/{ACCOUNT_ID}/users/{USER_ID}: the mailboxes that a user owns, and all that is in them."""

import io
import json
import secrets
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from couch.database import Database
from storage import gregorian
from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import DAY, leave, leave_spoken
from tests.support.recordings import CONTENT, MP3, parts

Box = dict[str, Any]


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    return shared_account


@pytest.fixture
def new_user(api: Api) -> Callable[..., str]:
    """Creates users, and returns their ids."""

    def create(**members: Any) -> str:
        answer = api.put("users", {"first_name": "A", "last_name": "B", **members})
        assert answer.status_code == 201, answer.text
        user_id: str = answer.json()["data"]["id"]
        return user_id

    return create


@pytest.fixture
def ada(new_user: Callable[..., str]) -> str:
    """The id of a user."""
    return new_user()


@pytest.fixture
def box(api: Api, ada: str) -> Box:
    """A mailbox of hers."""
    return api.new_box(owner_id=ada)


@pytest.fixture(params=["another user's", "nobody's"])
def foreign_box(request: pytest.FixtureRequest, api: Api, new_user: Callable[..., str]) -> Box:
    """A mailbox that isn't hers."""
    return api.new_box(**({"owner_id": new_user()} if request.param == "another user's" else {}))


class TestMailboxes:
    """vmboxes and vmboxes/{VM_BOX_ID}."""

    def test_only_the_users_mailboxes_are_listed(self, api: Api, ada: str, box: Box, foreign_box: Box) -> None:
        second = api.new_box(owner_id=ada)
        entries = api.get(f"users/{ada}/vmboxes").json()["data"]
        assert [entry["id"] for entry in entries] == [box["id"], second["id"]]
        page = api.get(f"users/{ada}/vmboxes", params={"page_size": "1"}).json()
        following = api.get(
            f"users/{ada}/vmboxes", params={"page_size": "1", "start_key": page["next_start_key"]}
        ).json()
        assert [entry["id"] for entry in page["data"] + following["data"]] == [box["id"], second["id"]]

    @pytest.mark.parametrize("owner", [{}, {"owner_id": "f" * 32}, {"owner_id": None}])
    def test_a_mailbox_created_here_is_the_users(
        self, api: Api, ada: str, db: Database, owner: dict[str, Any]
    ) -> None:
        number = f"9{api.new_box()['mailbox']}"
        answer = api.put(f"users/{ada}/vmboxes", {"name": "Hers", "mailbox": number, **owner})
        assert answer.status_code == 201, answer.text
        box_id = answer.json()["data"]["id"]
        assert answer.json()["data"]["owner_id"] == ada
        assert answer.headers["Location"] == api.address(f"users/{ada}/vmboxes/{box_id}")
        assert (db.get(box_id) or {})["owner_id"] == ada

    @pytest.mark.parametrize("owner", [{}, {"owner_id": "f" * 32}, {"owner_id": None}])
    def test_a_mailbox_changed_here_stays_the_users(
        self, api: Api, ada: str, box: Box, db: Database, owner: dict[str, Any]
    ) -> None:
        path = f"users/{ada}/vmboxes/{box['id']}"
        for send in (api.post, api.patch):
            data = {"name": f"New {send.__name__}", "mailbox": box["mailbox"], **owner}
            answer = send(path, data)
            assert (answer.status_code, answer.json()["data"]["owner_id"]) == (200, ada), answer.text
            doc = db.get(box["id"]) or {}
            assert (doc["name"], doc["owner_id"]) == (data["name"], ada)

    def test_a_mailbox_is_the_same_as_below_the_account(self, api: Api, ada: str, box: Box) -> None:
        path = f"users/{ada}/vmboxes/{box['id']}"
        here, there = api.get(path), api.get(f"vmboxes/{box['id']}")
        assert here.status_code == 200
        assert [here.json()[name] for name in ("data", "metadata", "revision")] == [
            there.json()[name] for name in ("data", "metadata", "revision")
        ]
        assert api.delete(path).json()["metadata"]["deleted"] is True
        assert api.get(path).status_code == api.get(f"vmboxes/{box['id']}").status_code == 404

    def test_another_mailbox_is_neither_shown_nor_changed(
        self, api: Api, ada: str, foreign_box: Box, db: Database
    ) -> None:
        box_id = foreign_box["id"]
        path = f"users/{ada}/vmboxes/{box_id}"
        data = {"name": "Taken", "mailbox": foreign_box["mailbox"]}
        stored = db.get(box_id)
        for answer in (api.get(path), api.post(path, data), api.patch(path, data), api.delete(path)):
            assert (answer.status_code, answer.json()["message"]) == (404, "bad_identifier")
            assert answer.json()["data"] == {"message": "bad identifier", "cause": box_id}
        assert db.get(box_id) == stored

    @pytest.mark.parametrize("path", ["vmboxes", "vmboxes/messages", "vmboxes/{box}", "vmboxes/{box}/messages"])
    def test_an_unknown_user_is_not_found(self, api: Api, box: Box, new_user: Callable[..., str], path: str) -> None:
        deleted = new_user()
        own = api.new_box(owner_id=deleted)["id"]
        assert api.delete(f"users/{deleted}").status_code == 200
        for user_id, box_id in (("f" * 32, box["id"]), ("nonsense", box["id"]), (deleted, own)):
            answer = api.get(f"users/{user_id}/{path.format(box=box_id)}")
            assert (answer.status_code, answer.json()["data"]["cause"]) == (404, user_id)
        assert api.put(f"users/{deleted}/vmboxes", {"name": "B", "mailbox": "1"}).status_code == 404


class TestRights:
    """They are those below the account."""

    @pytest.fixture
    def bob(self, new_user: Callable[..., str], account: Account, log_in: Callable[..., Api]) -> tuple[str, Api]:
        """A user who is no administrator, and a client of his."""
        name = f"bob-{secrets.token_hex(4)}"
        user_id = new_user(username=name, password="secret 1")
        return user_id, log_in(account, name, "secret 1")

    def test_users_change_their_own_mailboxes(self, api: Api, bob: tuple[str, Api]) -> None:
        bobs_id, client = bob
        own = api.new_box(owner_id=bobs_id, pin="482135")
        path = f"users/{bobs_id}/vmboxes/{own['id']}"
        assert client.get(path).json()["data"]["pin"] == "482135"
        assert client.patch(path, {"name": "Mine"}).status_code == 200
        assert client.put(f"{path}/messages", {"caller_id_number": "1001"}).status_code == 201

    def test_only_administrators_create_mailboxes(self, bob: tuple[str, Api]) -> None:
        bobs_id, client = bob
        assert client.put(f"users/{bobs_id}/vmboxes", {"name": "B", "mailbox": "81"}).status_code == 403

    def test_users_see_but_do_not_change_the_mailboxes_of_others(
        self, api: Api, bob: tuple[str, Api], ada: str
    ) -> None:
        hers = api.new_box(owner_id=ada, pin="482135")
        path = f"users/{ada}/vmboxes/{hers['id']}"
        _, client = bob
        assert "pin" not in client.get(path).json()["data"]
        assert client.patch(path, {"name": "Mine"}).status_code == 403
        assert client.put(f"{path}/messages", {"caller_id_number": "1001"}).status_code == 403


class TestMessages:
    """messages and what is below."""

    def test_a_message_goes_through_all_its_life(self, api: Api, account: Account, ada: str, box: Box) -> None:
        messages = f"users/{ada}/vmboxes/{box['id']}/messages"
        metadata = (None, "application/json", json.dumps({"data": {"caller_id_number": "1001"}}).encode())
        created = api.request("PUT", messages, **parts(metadata, ("voice.mp3", "audio/mpeg", CONTENT)))
        assert created.status_code == 201, created.text
        message_id = created.json()["data"]["id"]
        path = f"{messages}/{message_id}"
        assert created.headers["Location"] == api.address(path)
        assert [entry["media_id"] for entry in api.get(messages).json()["data"]] == [message_id]
        assert api.get(path).json()["data"] == api.get(f"vmboxes/{box['id']}/messages/{message_id}").json()["data"]
        assert api.get(f"{path}/raw").content == CONTENT
        replaced = api.put(f"{path}/raw", b"other", headers=MP3)
        assert (replaced.status_code, replaced.headers["Location"]) == (201, api.address(f"{path}/raw"))
        archive = api.post(f"{messages}/raw", {"messages": [message_id]})
        with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
            assert [files.read(name) for name in files.namelist()] == [b"other"]
        assert api.post(path, {"folder": "saved"}).json()["data"]["folder"] == "saved"
        changed = api.post(messages, {"messages": [message_id], "folder": "new"})
        assert changed.json()["data"] == {"succeeded": [message_id], "failed": []}
        assert api.delete(messages, {"messages": [message_id]}).json()["data"]["succeeded"] == [message_id]
        assert api.get(path).status_code == 404

    def test_messages_of_another_mailbox_are_not_found(
        self, api: Api, account: Account, ada: str, foreign_box: Box
    ) -> None:
        message_id = leave_spoken(account, foreign_box, gregorian.now() - 60, CONTENT)
        messages = f"users/{ada}/vmboxes/{foreign_box['id']}/messages"
        path, data = f"{messages}/{message_id}", {"messages": [message_id], "folder": "saved"}
        # Reading them below the account caches the mailbox, which doesn't open it here.
        unchanged = api.get(f"vmboxes/{foreign_box['id']}/messages/{message_id}").json()["data"]
        answers = [
            *(api.get(messages), api.put(messages, {}), api.post(messages, data), api.delete(messages, data)),
            *(api.get(path), api.post(path, {"folder": "saved"}), api.delete(path)),
            *(api.get(f"{path}/raw"), api.put(f"{path}/raw", b"other", headers=MP3)),
            api.post(f"{messages}/raw", {"messages": [message_id]}),
        ]
        assert {(answer.status_code, answer.json()["data"]["cause"]) for answer in answers} == {
            (404, foreign_box["id"])
        }
        assert api.get(f"vmboxes/{foreign_box['id']}/messages/{message_id}").json()["data"] == unchanged
        assert api.get(f"vmboxes/{foreign_box['id']}/messages/{message_id}/raw").content == CONTENT

    @pytest.mark.parametrize("target_form", ["{}", ["{}"]])
    def test_messages_go_to_other_mailboxes_of_the_user_only(
        self, api: Api, account: Account, ada: str, box: Box, foreign_box: Box, target_form: Any
    ) -> None:
        second = api.new_box(owner_id=ada)
        (message_id,) = leave(account, box, [gregorian.now() - 60])
        path = f"users/{ada}/vmboxes/{box['id']}/messages/{message_id}"

        def target(box_id: str) -> Any:
            return box_id if isinstance(target_form, str) else [box_id]

        refused = api.post(path, {"source_id": target(foreign_box["id"])})
        assert (refused.status_code, refused.json()["data"]["cause"]) == (404, foreign_box["id"])
        assert api.get(f"vmboxes/{foreign_box['id']}/messages").json()["data"] == []
        assert api.post(path, {"source_id": target(second["id"])}).status_code == 200
        assert len(api.get(f"users/{ada}/vmboxes/{second['id']}/messages").json()["data"]) == 1


class TestListOfMessages:
    """vmboxes/messages: of all mailboxes of the user."""

    @pytest.fixture
    def account(self, new_account: Callable[..., Account]) -> Account:
        """An account whose databases of months nobody looked for before they are there."""
        return new_account()

    def test_the_messages_of_all_mailboxes_are_listed_in_one_order(
        self, api: Api, account: Account, ada: str, box: Box
    ) -> None:
        second, nobodys = api.new_box(owner_id=ada), api.new_box()
        now = gregorian.now()
        # The same seconds in all mailboxes, in several months.
        times = [now - 60, now - 60, now - 61, now - 40 * DAY, now - 80 * DAY]
        leave(account, nobodys, times)
        entries = [(own["id"], message_id) for own in (box, second) for message_id in leave(account, own, times)]
        old = old_messages.add(account, second["id"], [old_messages.make_entry(timestamp=now - 50 * DAY)], None)
        for order in ({}, {"ascending": "true"}):
            path, whole = f"users/{ada}/vmboxes/messages", {**order, "paginate": "false"}
            (listed,) = self.pages(api, path, whole)
            assert sorted(listed) == sorted([*entries, (second["id"], old[0])])
            (of_account,) = self.pages(api, "vmboxes/messages", whole)
            assert listed == [entry for entry in of_account if entry[0] != nobodys["id"]]
            for size in (1, 2, 3, 50):
                pages = self.pages(api, path, {**order, "page_size": str(size)})
                assert [entry for page in pages for entry in page] == listed
                assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)

    def test_a_user_without_mailboxes_has_no_messages(self, api: Api, ada: str) -> None:
        answer = api.get(f"users/{ada}/vmboxes/messages")
        assert (answer.status_code, answer.json()["data"]) == (200, [])
        assert api.get(f"users/{ada}/vmboxes/messages", params={"start_key": "nonsense"}).status_code == 400

    def test_the_messages_can_be_filtered(self, api: Api, account: Account, ada: str, box: Box) -> None:
        now = gregorian.now()
        (saved,) = leave(account, box, [now - 60], folder="saved")
        leave(account, box, [now - 61])
        for query in ({"folder": "saved"}, {"filter_folder": "saved"}):
            assert self.pages(api, f"users/{ada}/vmboxes/messages", query) == [[(box["id"], saved)]]

    def pages(self, api: Api, path: str, query: dict[str, str]) -> list[list[tuple[str, str]]]:
        """The ids of mailbox and message of each entry, page by page."""
        pages: list[list[tuple[str, str]]] = []
        start: dict[str, str] = {}
        while True:
            answer = api.get(path, params={**query, **start}).json()
            pages.append([(box_id, entry["media_id"]) for row in answer["data"] for box_id, entry in row.items()])
            if "next_start_key" not in answer:
                return pages
            start = {"start_key": answer["next_start_key"]}
