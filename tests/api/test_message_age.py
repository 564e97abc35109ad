"""One age decides about a message's folder, also if its document has other times: wherever messages are shown."""

from collections.abc import Callable
from typing import Any

import pytest

from crossbar.filters import Filter
from crossbar.pages import PageRequest, TimeRange
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import DAY, database, leave, leave_spoken
from tests.support.operators import Desk
from tests.support.servers import wait_until
from voicemail.messages import counts, misdated, retention
from voicemail.messages import listing as message_listing

HOUR = 3_600


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box("3000")


@pytest.fixture
def limit(account: Account) -> int:
    return retention.limit(account.id)


def leave_misdated(account: Account, box: dict[str, Any], age: int, timestamp: int) -> str:
    """A message that is listed under another time than its age."""
    (message_id,) = leave(account, box, [timestamp])
    set_age(account, message_id, age)
    return message_id


def set_age(account: Account, message_id: str, age: int) -> None:
    database(account, message_id).update(message_id, lambda doc: {**doc, "utc_seconds": age})


def folders(entries: list[dict[str, Any]]) -> dict[str, str]:
    """The folders of listed messages. Those past their retention must say so."""
    for entry in entries:
        assert ("retention" in entry) == (entry["folder"] == "deleted"), entry
    return {entry["media_id"]: entry["folder"] for entry in entries}


@pytest.fixture(params=["hours", "months"])
def messages(request: pytest.FixtureRequest, account: Account, box: dict[str, Any], limit: int) -> dict[str, str]:
    """The folders of four messages: two are listed under the same time as their age, and two are not."""
    before, after = (limit - HOUR, limit + HOUR) if request.param == "hours" else (limit - 40 * DAY, limit + 40 * DAY)
    expired, current = leave(account, box, [before, after])
    return {
        leave_misdated(account, box, age=before, timestamp=after): "deleted",
        leave_misdated(account, box, age=after, timestamp=before): "new",
        expired: "deleted",
        current: "new",
    }


def is_listed(account: Account, message_id: str, limit: int) -> bool:
    """Whether a listing without dates has a message: if one of its times is since the limit, in a month it covers."""
    doc = database(account, message_id).get(message_id) or {}
    times = (doc["utc_seconds"], doc["metadata"]["timestamp"])
    return max(times) >= limit and gregorian.month_of(limit) <= message_id[:6]


def test_a_message_is_fetched_in_the_folder_of_its_age(
    api: Api, box: dict[str, Any], messages: dict[str, str]
) -> None:
    data = [api.get(f"vmboxes/{box['id']}/messages/{message_id}").json()["data"] for message_id in messages]
    assert folders(data) == messages


@pytest.mark.parametrize("path", ["vmboxes/{}/messages", "vmboxes/messages"])
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_a_listing_shows_messages_in_the_folder_of_their_age(
    api: Api, account: Account, box: dict[str, Any], messages: dict[str, str], limit: int, path: str, order: str
) -> None:
    expected = {key: folder for key, folder in messages.items() if is_listed(account, key, limit)}
    path = path.format(box["id"])
    assert folders(listed_entries(api, path, {order: "true"})) == expected
    # Twice: what was read of the month for the first listing is cached.
    assert folders(listed_entries(api, path, {order: "true"})) == expected
    assert folders(listed_entries(api, path, {order: "true", "page_size": "1"})) == expected
    for folder in ("new", "deleted"):
        of_folder = {key: name for key, name in expected.items() if name == folder}
        assert folders(listed_entries(api, path, {order: "true", "folder": folder})) == of_folder
        assert (
            folders(listed_entries(api, path, {order: "true", "filter_folder": folder, "page_size": "1"}))
            == of_folder
        )


def listed_entries(api: Api, path: str, params: dict[str, str]) -> list[dict[str, Any]]:
    """The entries of all pages."""
    entries: list[dict[str, Any]] = []
    while True:
        answer = api.get(path, params=params).json()
        assert len(answer["data"]) <= int(params.get("page_size", 50))
        entries += [entry if "media_id" in entry else next(iter(entry.values())) for entry in answer["data"]]
        if "next_start_key" not in answer:
            return entries
        params = {**params, "start_key": answer["next_start_key"]}


def test_a_change_of_the_age_alone_shows_within_seconds(
    api: Api, account: Account, box: dict[str, Any], limit: int
) -> None:
    path = f"vmboxes/{box['id']}/messages"
    (message_id,) = leave(account, box, [limit + HOUR])
    for seconds, folder in ((limit + HOUR, "new"), (limit - HOUR, "deleted"), (limit + 2 * HOUR, "new")):
        set_age(account, message_id, seconds)
        shown = {message_id: folder}
        wait_until(lambda shown=shown: folders(listed_entries(api, path, {})) == shown)  # type: ignore[misc]


def test_a_listing_with_dates_goes_by_the_listed_time(
    api: Api, box: dict[str, Any], messages: dict[str, str], limit: int
) -> None:
    path = f"vmboxes/{box['id']}/messages"
    everything: dict[str, str] = {}
    for days in (50, 20, -10, -40):
        first = limit - days * DAY
        params = {"created_from": str(first), "created_to": str(first + 30 * DAY)}
        everything |= folders(listed_entries(api, path, params))
    assert everything == messages


def test_the_counts_of_a_mailbox_are_those_of_its_listing(
    api: Api, account: Account, box: dict[str, Any], messages: dict[str, str]
) -> None:
    entries = folders(listed_entries(api, f"vmboxes/{box['id']}/messages", {}))
    new = list(entries.values()).count("new")
    assert counts.per_folder(account.id, [box["id"]])[box["id"]].get("new", 0) == new
    [entry] = [entry for entry in api.get("vmboxes").json()["data"] if entry["id"] == box["id"]]
    assert entry["messages"] == new


def test_removing_a_folder_removes_the_messages_that_are_shown_in_it(
    api: Api, box: dict[str, Any], messages: dict[str, str]
) -> None:
    answer = api.delete(f"vmboxes/{box['id']}/messages", {"folder": "new"}).json()["data"]
    assert sorted(answer["succeeded"]) == sorted(key for key, folder in messages.items() if folder == "new")
    assert answer["failed"] == []


def test_the_desk_shows_the_folder_of_the_age(
    operator: Callable[..., Desk], account: Account, box: dict[str, Any], limit: int
) -> None:
    expired = leave_misdated(account, box, age=limit - HOUR, timestamp=limit + HOUR)
    current = leave_misdated(account, box, age=limit + HOUR, timestamp=limit - HOUR)
    desk = operator("Read only")
    for folder, message_id in (("deleted", expired), ("new", current)):
        for query in ({"folder": folder}, {"folder": folder, "audio": "none"}):
            page = desk.get("desk/message/", account=account.id, box=box["id"], **query).text
            assert [key in page for key in (expired, current)] == [message_id == expired, message_id == current]
        detail = desk.get(f"desk/message/{account.id}/{box['id']}/{message_id}/").text
        assert ("no update is permitted" in detail) == (folder == "deleted")


@pytest.mark.parametrize("source", [message_listing.SILENT, message_listing.REMOVED], ids=["silent", "removed"])
def test_other_lists_show_messages_in_the_folder_of_their_age(
    account: Account, box: dict[str, Any], messages: dict[str, str], limit: int, source: message_listing.Source
) -> None:
    spoken = leave_spoken(account, box, limit - HOUR, b"audio")
    set_age(account, spoken, limit + HOUR)
    if source == message_listing.REMOVED:
        for key in messages:
            database(account, key).update(key, lambda doc: {**doc, "pvt_deleted": True})
    time = TimeRange(limit, gregorian.now(), is_open=True)
    page = message_listing.list_messages(
        account.id, {"_id": box["id"]}, PageRequest(), time, Filter(), None, source=source
    )
    expected = {key: folder for key, folder in messages.items() if is_listed(account, key, limit)}
    assert folders([entry.summary for entry in page.entries]) == expected


def test_a_later_state_is_read_whatever_sequences_an_earlier_one_had(
    account: Account, box: dict[str, Any], limit: int
) -> None:
    first = leave_misdated(account, box, age=limit - HOUR, timestamp=limit + HOUR)
    modb = database(account, first)
    assert set(misdated.read(modb, limit, "one replica's")) == {first}
    assert set(misdated.read(modb, limit, "the other replica's")) == {first}
    second = leave_misdated(account, box, age=limit - HOUR, timestamp=limit + HOUR)
    assert set(misdated.read(modb, limit, "a later state's")) == {first, second}
    assert set(misdated.read(modb, limit, "one replica's")) == {first, second}
