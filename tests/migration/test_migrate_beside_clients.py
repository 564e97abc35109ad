"""Beside live traffic: whatever clients and a 3.x node do, at whichever request of a migration, nothing is lost."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from couch.client import Couch, Database, Document
from migration import modb_messages
from migration.outages import run_once
from migration.progress import Progress
from storage import database_names, gregorian
from tests.migration.test_migrate_kills import in_place
from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.cutting import CuttingProxy, through
from tests.support.kazoo3 import migrate
from voicemail.legacy.documents import PREVIOUS_ID

DAY = 86_400
NEW_AUDIO = b"ID3 given by a client" * 50
Act = Callable[[Api, dict[str, Any], str], None]


def hear(api: Api, box: dict[str, Any], media_id: str) -> None:
    answer = api.get(f"vmboxes/{box['id']}/messages/{media_id}/raw")
    assert (answer.status_code, answer.content) == (200, old_audio(media_id)), answer.text


def save(api: Api, box: dict[str, Any], media_id: str) -> None:
    answer = api.post(f"vmboxes/{box['id']}/messages/{media_id}", {"folder": "saved"})
    assert answer.status_code == 200, answer.text


def remove(api: Api, box: dict[str, Any], media_id: str) -> None:
    answer = api.delete(f"vmboxes/{box['id']}/messages/{media_id}")
    assert answer.status_code == 200, answer.text


def speak(api: Api, box: dict[str, Any], media_id: str) -> None:
    path = f"vmboxes/{box['id']}/messages/{media_id}/raw"
    answer = api.put(path, NEW_AUDIO, headers={"Content-Type": "audio/mpeg"})
    assert answer.status_code == 200, answer.text


def hand_on(api: Api, box: dict[str, Any], media_id: str) -> None:
    told = {"messages": [media_id], "source_id": box["other"]}
    answer = api.post(f"vmboxes/{box['id']}/messages", told)
    assert answer.json()["data"]["failed"] == [], answer.text


ACTS: list[Act] = [hear, save, remove, speak, hand_on]
ROUNDS = 3


def old_audio(media_id: str) -> bytes:
    return f"ID3 {media_id}".encode() * 40


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    """A box, and the id of another one."""
    return {**api.new_box("3000"), "other": api.new_box("3001")["id"]}


def fill(account: Account, box: dict[str, Any]) -> tuple[list[str], list[Document]]:
    """Old messages of three months, one for each act of each round; their media ids, and entries to come later."""
    now = gregorian.now()
    days = [1 + 35 * (number % 3) for number in range(ROUNDS * len(ACTS))]
    entries = [old_messages.entry(timestamp=now - day * DAY) for day in days]
    for entry in entries:
        old_messages.leave(account, box["id"], [entry], old_audio(entry["media_id"]))
    late = [old_messages.entry(timestamp=now - DAY, caller_id_name="late") for _ in range(ROUNDS)]
    for entry in late:
        old_messages.leave_media(account, entry["media_id"], old_audio(entry["media_id"]), source_id=box["id"])
    return [entry["media_id"] for entry in entries], late


def messages_of(account: Account) -> dict[str, list[tuple[Database, Document]]]:
    """All messages of an account, removed ones too, by the ids of the media documents they were made of."""
    found: dict[str, list[tuple[Database, Document]]] = {}
    for modb in modb_messages.list_modbs(account.id, run_once):
        for doc in modb_messages.iterate_messages(modb, run_once):
            found.setdefault(str(doc.get(PREVIOUS_ID)), []).append((modb, doc))
    return found


def audio_of(modb: Database, doc: Document) -> bytes:
    (name,) = doc["_attachments"]
    stream = modb.open_attachment(doc["_id"], name)
    assert stream is not None
    return b"".join(stream)


@pytest.mark.parametrize("pause", [3, 7, 11, 16])
@pytest.mark.parametrize("first", [2, 4, 6, 9])
def test_nothing_is_lost_or_doubled_whenever_clients_and_old_nodes_come_by(
    api: Api, account: Account, box: dict[str, Any], first: int, pause: int
) -> None:
    ids, late = fill(account, box)
    # As a node of 3.x has it: a way of its own to the same CouchDB.
    node = Couch(settings.COUCHDB_URL, connect_timeout=5, read_timeout=60)
    database = node.database(database_names.account_db(account.id))
    rounds = [ids[number * len(ACTS) :][: len(ACTS)] for number in range(ROUNDS)]
    at = {first + number * pause: number for number in range(ROUNDS)}
    came: list[int] = []

    def before(request: int) -> None:
        if request not in at:
            return
        number = at[request]
        for act, media_id in zip(ACTS, rounds[number], strict=True):
            act(api, box, media_id)
        assert api.patch(f"vmboxes/{box['id']}", {"name": f"Name {number}"}).status_code == 200
        database.update(box["id"], lambda doc: {**doc, "messages": [*doc.get("messages", []), late[number]]})
        came.append(number)

    with CuttingProxy(settings.COUCHDB_URL, before=before) as proxy, through(proxy):
        tally = in_place(account.id)(Progress())
    assert came == [0, 1, 2]
    assert tally.count("failed") == 0
    assert tally.problems == []
    assert migrate("--account", account.id).status == 0
    assert old_messages.array(account, box["id"]) == []
    found = messages_of(account)
    assert sorted(found) == sorted([*ids, *(entry["media_id"] for entry in late)])
    for number, some in enumerate(rounds):
        assert api.get(f"vmboxes/{box['id']}").json()["data"]["name"] == "Name 2"
        heard, saved, removed, spoken, all_handed_on = (found[one] for one in some)
        # Moving to another box leaves a removed message behind.
        handed_on = [(modb, doc) for modb, doc in all_handed_on if not doc.get("pvt_deleted")]
        assert [doc["metadata"]["folder"] for _, doc in saved] == ["saved"]
        assert [doc.get("pvt_deleted") for _, doc in removed] == [True]
        assert [audio_of(*one) for one in spoken] == [NEW_AUDIO]
        assert [doc["source_id"] for _, doc in handed_on] == [box["other"]]
        for (one,), media_id in zip((heard, saved, handed_on), (some[0], some[1], some[4]), strict=True):
            assert audio_of(*one) == old_audio(media_id)
        ((modb, doc),) = found[late[number]["media_id"]]
        assert audio_of(modb, doc) == old_audio(late[number]["media_id"])
    assert migrate("--account", account.id, "--verify").status == 0
