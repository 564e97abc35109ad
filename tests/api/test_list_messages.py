"""GET vmboxes/{BOX}/messages and GET vmboxes/messages."""

import codecs
import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from storage import gregorian, modbs
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import DAY, database, leave, stored


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """An account for all tests here: each has mailboxes of its own.

    The months that tests put messages into are there before the service lists them, which it caches for a while.
    """
    for days in (20, 50, 80):
        modbs.ensure(shared_account.id, gregorian.month_of(gregorian.now() - days * DAY))
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box()


def ids(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["media_id"] for entry in entries]


def every_page(api: Api, path: str, **params: Any) -> list[list[dict[str, Any]]]:
    """The data of all pages, read by following next_start_key."""
    pages = []
    while True:
        answer = api.get(path, params=params).json()
        pages.append(answer["data"])
        if not answer.get("next_start_key"):
            return pages
        params["start_key"] = answer["next_start_key"]


class TestBox:
    def test_a_mailbox_without_messages_has_an_empty_list(self, api: Api, box: dict[str, Any]) -> None:
        answer = api.get(f"vmboxes/{box['id']}/messages").json()
        assert answer["data"] == []
        assert answer["status"] == "success"
        assert "next_start_key" not in answer

    def test_entries_have_the_members_of_the_api_documents_sample(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        (message_id,) = leave(account, box, [now - 60])
        (entry,) = api.get(f"vmboxes/{box['id']}/messages").json()["data"]
        sample = {
            "timestamp": now - 60,
            "from": f"1001@{account.realm}",
            "to": f"{box['mailbox']}@{account.realm}",
            "caller_id_number": "1001",
            "caller_id_name": "Ada",
            "folder": "new",
            "length": 1000,
            "media_id": message_id,
        }
        assert entry | sample == entry

    def test_the_newest_messages_come_first_across_months(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        message_ids = leave(account, box, [now - days * DAY for days in (80, 50, 20, 1)])
        assert ids(api.get(f"vmboxes/{box['id']}/messages").json()["data"]) == message_ids[::-1]

    @pytest.mark.parametrize("turned", ["ascending=true", "descending=false"])
    def test_the_order_can_be_reversed(self, api: Api, account: Account, box: dict[str, Any], turned: str) -> None:
        now = gregorian.now()
        message_ids = leave(account, box, [now - days * DAY for days in (80, 50, 20, 1)])
        assert ids(api.get(f"vmboxes/{box['id']}/messages?{turned}").json()["data"]) == message_ids

    @pytest.mark.parametrize("direction", ["descending", "ascending"])
    def test_pages_neither_lose_nor_repeat_messages_of_one_second(
        self, api: Api, account: Account, box: dict[str, Any], direction: str
    ) -> None:
        now = gregorian.now()
        message_ids = leave(account, box, [now - 40 * DAY] * 5 + [now - DAY] * 8 + [now - 60] * 4)
        pages = every_page(api, f"vmboxes/{box['id']}/messages", page_size=3, **{direction: "true"})
        assert [len(page) for page in pages] == [3, 3, 3, 3, 3, 2]
        assert sorted(ids([entry for page in pages for entry in page])) == sorted(message_ids)

    def test_pages_stay_right_while_messages_are_added_and_removed(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        message_ids = leave(account, box, [now - 100 + n for n in range(9)])
        first = api.get(f"vmboxes/{box['id']}/messages", params={"page_size": 3}).json()
        leave(account, box, [now - 10, now - 5])
        # The message that the next page would start with is removed.
        assert api.delete(f"vmboxes/{box['id']}/messages/{message_ids[5]}").status_code == 200
        second = api.get(
            f"vmboxes/{box['id']}/messages", params={"page_size": 3, "start_key": first["next_start_key"]}
        ).json()
        assert ids(first["data"]) == message_ids[8:5:-1]
        assert ids(second["data"]) == [message_ids[4], message_ids[3], message_ids[2]]

    def test_a_filtered_page_is_full_while_messages_remain(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        times = [now - 30 - n * DAY for n in range(60)]
        expected = leave(account, box, times[::10], caller_id_number="+4930")
        leave(account, box, [time for n, time in enumerate(times) if n % 10])
        path = f"vmboxes/{box['id']}/messages"
        pages = every_page(api, path, page_size=4, filter_caller_id_number="+4930")
        assert [ids(page) for page in pages] == [expected[:4], expected[4:]]

    def test_the_parameter_folder_filters(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        now = gregorian.now()
        leave(account, box, [now - 50])
        saved = leave(account, box, [now - 40], folder="saved")
        deleted = leave(account, box, [now - 30], folder="deleted")
        path = f"vmboxes/{box['id']}/messages"
        assert ids(api.get(f"{path}?folder=saved").json()["data"]) == saved
        assert ids(api.get(f"{path}?folder=deleted").json()["data"]) == deleted
        assert len(api.get(path).json()["data"]) == 3

    def test_explicit_pagination_wraps_each_entry_with_its_mailboxes_id(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        leave(account, box, [gregorian.now() - 60])
        answer = api.get(f"vmboxes/{box['id']}/messages?paginate=true").json()
        assert [list(entry) for entry in answer["data"]] == [[box["id"]]]
        assert answer["next_start_key"] == []
        assert answer["page_size"] == 50

    def test_a_page_has_50_entries_and_without_pagination_all(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        leave(account, box, [now - n for n in range(1, 62)])
        path = f"vmboxes/{box['id']}/messages"
        page = api.get(path).json()
        assert len(page["data"]) == page["page_size"] == 50
        everything = api.get(f"{path}?paginate=false").json()
        assert len(everything["data"]) == 61
        assert "next_start_key" not in everything

    def test_removed_messages_and_those_of_other_mailboxes_are_not_listed(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        other_box = api.new_box()
        leave(account, other_box, [now - 10])
        kept, removed = leave(account, box, [now - 30, now - 20])
        assert api.delete(f"vmboxes/{box['id']}/messages/{removed}").status_code == 200
        assert ids(api.get(f"vmboxes/{box['id']}/messages").json()["data"]) == [kept]

    def test_a_message_past_its_retention_is_shown_as_deleted(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        leave(account, box, [now - 150 * DAY])  # no other test has read that month
        path = f"vmboxes/{box['id']}/messages"
        assert api.get(path).json()["data"] == []
        span = {"created_from": now - 151 * DAY, "created_to": now - 149 * DAY}
        (entry,) = api.get(path, params=span).json()["data"]
        assert (entry["folder"], entry["retention"]) == ("deleted", "enforced")
        assert entry["retention_message"]

    def test_a_time_range_includes_both_ends(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        now = gregorian.now()
        message_ids = leave(account, box, [now - 400, now - 300, now - 200, now - 100])
        span = {"created_from": now - 300, "created_to": now - 200}
        assert ids(api.get(f"vmboxes/{box['id']}/messages", params=span).json()["data"]) == [
            message_ids[2],
            message_ids[1],
        ]

    @pytest.mark.parametrize(
        "span",
        [
            {"created_from": 0, "created_to": 156},
            {"created_to": 529},
            {"created_from": 399_999_999_000, "created_to": 399_999_999_999},
        ],
    )
    def test_a_time_before_the_year_1_or_after_9999_has_no_messages(
        self, api: Api, account: Account, box: dict[str, Any], span: dict[str, int]
    ) -> None:
        leave(account, box, [gregorian.now() - 60])
        for path in (f"vmboxes/{box['id']}/messages", "vmboxes/messages"):
            answer = api.get(path, params=span)
            assert answer.status_code == 200, answer.text
            assert answer.json()["data"] == []

    @pytest.mark.parametrize(
        "span",
        [
            {"created_from": 1},
            {"created_from": 1, "created_to": 2},
            {"created_from": 399_999_999_999, "created_to": 400_000_000_000},
        ],
    )
    def test_a_time_range_outside_all_calendars_is_empty(
        self, api: Api, account: Account, box: dict[str, Any], span: dict[str, int]
    ) -> None:
        leave(account, box, [gregorian.now() - 60])
        answer = api.get(f"vmboxes/{box['id']}/messages", params=span)
        assert answer.status_code == 200
        assert answer.json()["data"] == []

    @pytest.mark.parametrize(
        "span",
        [
            {"created_from": 63_900_000_000, "created_to": 63_800_000_000},
            {"created_from": 63_800_000_000, "created_to": 63_900_000_000},
            {"created_from": "yesterday"},
            {"created_to": "-5"},
        ],
    )
    def test_an_invalid_time_range_is_refused(self, api: Api, box: dict[str, Any], span: dict[str, Any]) -> None:
        answer = api.get(f"vmboxes/{box['id']}/messages", params=span)
        assert answer.status_code == 400
        assert list(answer.json()["data"]) == ["created_from"]
        assert list(answer.json()["data"]["created_from"]) == ["date_range"]

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("page_size=0", "invalid page size"),
            ("page_size=many", "invalid page size"),
            ("start_key=!!!", "invalid start key"),
            ("start_key=W10", "invalid start key"),
            ("start_key=WyIyMDI2MTMiLFtdLCJ4Il0", "invalid start key"),
        ],
    )
    def test_invalid_paging_is_refused(self, api: Api, box: dict[str, Any], query: str, message: str) -> None:
        answer = api.get(f"vmboxes/{box['id']}/messages?{query}")
        assert answer.status_code == 400
        assert answer.json()["message"] == "faulty_request"
        assert answer.json()["data"] == {"message": message}

    def test_a_start_key_of_another_mailbox_is_refused(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        now = gregorian.now()
        other_box = api.new_box()
        theirs = leave(account, other_box, [now - n for n in range(1, 5)])
        key = api.get(f"vmboxes/{other_box['id']}/messages?page_size=1").json()["next_start_key"]
        answer = api.get(f"vmboxes/{box['id']}/messages", params={"start_key": key})
        assert answer.status_code == 400
        assert not any(message_id in answer.text for message_id in theirs)

    @pytest.mark.parametrize("removed", [False, True])
    def test_an_unknown_or_deleted_mailbox_is_not_found(
        self, api: Api, account: Account, box: dict[str, Any], removed: bool
    ) -> None:
        box_id = box["id"] if removed else "0" * 32
        if removed:
            assert api.delete(f"vmboxes/{box_id}").status_code == 200
        answer = api.get(f"vmboxes/{box_id}/messages")
        assert answer.status_code == 404
        assert answer.json()["data"] == {"message": "bad identifier", "cause": box_id}

    def test_the_list_comes_as_csv(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        now = gregorian.now()
        leave(account, box, [now - 60], caller_id_name="=cmd()", caller_id_number="+4930123")
        answer = api.get(f"vmboxes/{box['id']}/messages", headers={"Accept": "text/csv"})
        assert answer.headers["Content-Type"].startswith("text/csv")
        assert answer.headers["Content-Disposition"] == f"attachment; filename=messages_{box['mailbox']}.csv"
        assert answer.content.startswith(codecs.BOM_UTF8)
        (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert row["timestamp"] == str(now - 60)
        assert row["caller_id_name"] == "'=cmd()"
        assert row["caller_id_number"] == "'+4930123"
        listed = api.get("vmboxes/messages", headers={"Accept": "text/csv"})
        assert listed.headers["Content-Disposition"] == "attachment; filename=messages.csv"

    def test_a_message_without_a_folder_is_listed_as_new(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        (message_id,) = leave(account, box, [gregorian.now() - 60])
        doc = stored(account, message_id)
        del doc["metadata"]["folder"]
        database(account, message_id).put(doc)
        (entry,) = api.get(f"vmboxes/{box['id']}/messages?folder=new").json()["data"]
        assert entry["folder"] == "new"


class TestAccount:
    @pytest.fixture
    def account(self, new_account: Callable[..., Account]) -> Account:
        """An account for each test, which looks at all its messages."""
        return new_account()

    def test_each_entry_has_the_id_of_its_mailbox(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        now = gregorian.now()
        other_box = api.new_box()
        (old,) = leave(account, box, [now - 40 * DAY])
        (new,) = leave(account, other_box, [now - 60])
        entries = api.get("vmboxes/messages").json()["data"]
        assert [(*entry, *ids(list(entry.values()))) for entry in entries] == [
            (other_box["id"], new),
            (box["id"], old),
        ]

    def test_pages_follow_each_other_without_gaps(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        now = gregorian.now()
        other_box = api.new_box()
        message_ids = leave(account, box, [now - 60] * 5 + [now - 45 * DAY] * 3) + leave(
            account, other_box, [now - 60] * 5
        )
        pages = every_page(api, "vmboxes/messages", page_size=4)
        assert [len(page) for page in pages] == [4, 4, 4, 1]
        assert sorted(ids([value for page in pages for entry in page for value in entry.values()])) == sorted(
            message_ids
        )

    def test_messages_of_another_account_are_not_listed(self, api: Api, account: Account, new_account: Any) -> None:
        other_box = new_account()
        leave(other_box, {"id": "0" * 32, "mailbox": "1"}, [gregorian.now() - 60])
        assert api.get("vmboxes/messages").json()["data"] == []
        assert api.get(f"/v2/accounts/{other_box.id}/vmboxes/messages").status_code == 403
