"""POST vmboxes/{BOX}/messages: folder, move and copy of many messages."""

import threading
from typing import Any

import pytest

from couch.client import couch
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import DAY, database, leave, leave_spoken, stored


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    """Share an account: each test has its own mailboxes."""
    return shared_account


@pytest.fixture
def box(api: Api) -> dict[str, Any]:
    return api.new_box()


@pytest.fixture
def other(api: Api) -> dict[str, Any]:
    return api.new_box()


def change(api: Api, box: dict[str, Any], **data: Any) -> dict[str, Any]:
    answer = api.post(f"vmboxes/{box['id']}/messages", data)
    assert answer.status_code == 200, answer.text
    outcome: dict[str, Any] = answer.json()["data"]
    assert set(outcome) == {"succeeded", "failed"}
    return outcome


class TestFolder:
    def test_messages_of_several_months_change_together(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        ids = leave(account, box, [now - 60, now - 40 * DAY, now - 70 * DAY])
        outcome = change(api, box, folder="saved", messages=ids)
        assert sorted(outcome["succeeded"]) == sorted(ids)
        assert outcome["failed"] == []
        assert [stored(account, key)["metadata"]["folder"] for key in ids] == ["saved"] * 3

    def test_the_folder_may_be_in_the_query(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        ids = leave(account, box, [gregorian.now() - 60])
        answer = api.post(f"vmboxes/{box['id']}/messages?folder=deleted", {"messages": ids})
        assert answer.json()["data"]["succeeded"] == ids
        assert stored(account, ids[0])["metadata"]["folder"] == "deleted"

    @pytest.mark.parametrize("folder", [{}, {"folder": "attic"}])
    def test_an_unknown_or_missing_folder_means_saved(
        self, api: Api, account: Account, box: dict[str, Any], folder: dict[str, str]
    ) -> None:
        ids = leave(account, box, [gregorian.now() - 60])
        change(api, box, messages=ids, **folder)
        assert stored(account, ids[0])["metadata"]["folder"] == "saved"

    def test_unknown_foreign_and_malformed_ids_are_not_found(
        self, api: Api, account: Account, box: dict[str, Any], other: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        (own,), (foreign,) = leave(account, box, [now - 60]), leave(account, other, [now - 60])
        absent, malformed, no_month = f"{own[:7]}{'0' * 32}", "../../_all_docs", f"190001-{'0' * 32}"
        outcome = change(api, box, folder="saved", messages=[own, foreign, absent, malformed, no_month])
        assert outcome["succeeded"] == [own]
        failed = {key: reason for entry in outcome["failed"] for key, reason in entry.items()}
        assert failed == dict.fromkeys([foreign, absent, malformed, no_month], "not_found")
        assert stored(account, foreign)["metadata"]["folder"] == "new"

    def test_a_repeated_id_counts_once(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        (key,) = leave(account, box, [gregorian.now() - 60])
        assert change(api, box, folder="saved", messages=[key, key]) == {"succeeded": [key], "failed": []}

    def test_a_message_that_is_in_the_folder_already_is_not_changed(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        (key,) = leave(account, box, [gregorian.now() - 60], folder="saved")
        before = stored(account, key)
        assert change(api, box, folder="saved", messages=[key])["succeeded"] == [key]
        assert stored(account, key) == before

    def test_ids_of_very_many_months_are_looked_up_together(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        own = leave(account, box, [now - 60, now - 40 * DAY])
        absent = [f"{year}{month:02}-{'0' * 32}" for year in range(1900, 2000) for month in range(1, 13)]
        outcome = change(api, box, folder="saved", messages=[*absent, *own])
        assert sorted(outcome["succeeded"]) == sorted(own)
        assert len(outcome["failed"]) == len(absent)

    def test_a_message_past_its_retention_is_refused_and_becomes_deleted(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        (old,) = leave(account, box, [gregorian.now() - 100 * DAY])
        outcome = change(api, box, folder="saved", messages=[old])
        assert outcome == {"succeeded": [], "failed": [{old: "prior_to_retention_duration"}]}
        assert stored(account, old)["metadata"]["folder"] == "deleted"

    @pytest.mark.parametrize("data", [{}, {"messages": []}])
    def test_a_request_without_ids_is_refused(self, api: Api, box: dict[str, Any], data: dict[str, Any]) -> None:
        answer = api.post(f"vmboxes/{box['id']}/messages", data)
        assert answer.status_code == 400
        assert answer.json()["data"]["messages"]["required"]["message"] == "No array of message ids are specified"

    def test_a_change_of_folder_keeps_the_audio(
        self, api: Api, account: Account, box: dict[str, Any], audio: Any
    ) -> None:
        recording = audio("mp3")
        key = leave_spoken(account, box, gregorian.now() - 60, recording.content)
        change(api, box, folder="saved", messages=[key])
        stream = database(account, key).open_attachment(key, "msg.mp3")
        assert stream is not None
        assert stream.read() == recording.content

    def test_a_thousand_messages_are_changed_by_one_request(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        ids = leave(account, box, [now - n * 3_000 for n in range(1_000)])
        outcome = change(api, box, folder="saved", messages=ids)
        assert sorted(outcome["succeeded"]) == sorted(ids)

    def test_concurrent_changes_of_the_same_messages_all_succeed(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        now = gregorian.now()
        ids = leave(account, box, [now - n for n in range(1, 21)])
        outcomes: list[dict[str, Any]] = []

        def save() -> None:
            outcomes.append(change(Api(api.url, api.account_id, api.token), box, folder="saved", messages=ids))

        threads = [threading.Thread(target=save) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [sorted(outcome["succeeded"]) for outcome in outcomes] == [sorted(ids)] * 4
        assert {stored(account, key)["metadata"]["folder"] for key in ids} == {"saved"}


class TestMove:
    def test_a_move_takes_audio_and_transcription_along_under_a_new_id(
        self, api: Api, account: Account, box: dict[str, Any], other: dict[str, Any], audio: Any
    ) -> None:
        recording = audio("mp3")
        now = gregorian.now()
        source = leave_spoken(account, box, now - 40 * DAY, recording.content, folder="saved")
        spoken = {"result": "success", "text": "Hello"}
        database(account, source).update(source, lambda doc: {**doc, "transcription": spoken})
        outcome = change(api, box, source_id=other["id"], messages=[source])
        (moved,) = outcome["succeeded"]
        doc = stored(account, moved)
        assert moved[:6] == gregorian.month_of(now)
        assert doc["source_id"] == other["id"]
        assert doc["history"] == [box["id"]]
        assert doc["transcription"] == spoken
        metadata = doc["metadata"]
        assert (metadata["folder"], metadata["media_id"]) == ("new", moved)
        assert metadata["to"] == f"{other['mailbox']}@{account.realm}"
        assert metadata["timestamp"] == doc["utc_seconds"] >= now
        stream = database(account, moved).open_attachment(moved, "msg.mp3")
        assert stream is not None
        assert stream.read() == recording.content
        source_doc = stored(account, source)
        assert source_doc["pvt_deleted"] is True
        assert source_doc["metadata"]["folder"] == "deleted"

    def test_repeating_a_move_that_was_killed_makes_no_second_copy(
        self, api: Api, account: Account, box: dict[str, Any], other: dict[str, Any]
    ) -> None:
        (source,) = leave(account, box, [gregorian.now() - 60])
        (moved,) = change(api, box, source_id=other["id"], messages=[source])["succeeded"]
        # As if the process had been killed before it removed the source.
        database(account, source).update(
            source, lambda doc: {key: value for key, value in doc.items() if key != "pvt_deleted"}
        )
        assert change(api, box, source_id=other["id"], messages=[source])["succeeded"] == [moved]
        assert stored(account, source)["pvt_deleted"] is True
        assert len(api.get(f"vmboxes/{other['id']}/messages").json()["data"]) == 1

    def test_a_move_to_an_unknown_mailbox_changes_nothing(
        self, api: Api, account: Account, box: dict[str, Any]
    ) -> None:
        (source,) = leave(account, box, [gregorian.now() - 60])
        answer = api.post(f"vmboxes/{box['id']}/messages", {"source_id": "f" * 32, "messages": [source]})
        assert answer.status_code == 404
        assert stored(account, source).get("pvt_deleted") is None

    def test_an_empty_destination_is_refused(self, api: Api, account: Account, box: dict[str, Any]) -> None:
        (source,) = leave(account, box, [gregorian.now() - 60])
        answer = api.post(f"vmboxes/{box['id']}/messages", {"source_id": "", "messages": [source]})
        assert answer.status_code == 400
        assert list(answer.json()["data"]["source_id"]) == ["required"]

    @pytest.mark.parametrize("is_copy", [False, True])
    def test_a_move_or_copy_into_the_same_mailbox_is_refused(
        self, api: Api, account: Account, box: dict[str, Any], other: dict[str, Any], is_copy: bool
    ) -> None:
        (source,) = leave(account, box, [gregorian.now() - 60])
        target = [other["id"], box["id"]] if is_copy else box["id"]
        answer = api.post(f"vmboxes/{box['id']}/messages", {"source_id": target, "messages": [source]})
        assert answer.status_code == 400
        assert list(answer.json()["data"]) == ["source_id"]
        assert stored(account, source)["_rev"].startswith("1-")
        assert api.get(f"vmboxes/{other['id']}/messages").json()["data"] == []

    def test_a_moved_message_without_a_sender_gets_its_caller_id(
        self, api: Api, account: Account, box: dict[str, Any], other: dict[str, Any]
    ) -> None:
        named, anonymous = leave(account, box, [gregorian.now() - 60] * 2)
        fields = {named: {"caller_id_number": "6001"}, anonymous: {}}
        for key in fields:
            database(account, key).update(key, lambda doc: {**doc, "metadata": fields[doc["_id"]]})
        moved = [
            change(api, box, messages=[key], source_id=other["id"])["succeeded"][0] for key in (named, anonymous)
        ]
        senders = [stored(account, key)["metadata"]["from"] for key in moved]
        assert senders == [f"6001@{account.realm}", f"anonymous@{account.realm}"]

    def test_a_move_takes_linked_audio_along(
        self, api: Api, account: Account, box: dict[str, Any], other: dict[str, Any]
    ) -> None:
        (source,) = leave(account, box, [gregorian.now() - 60])
        link = {"old.mp3": {"handler": {"kz_att_link": {"att_dbname": "account%2Faa", "att_docid": "m"}}}}
        database(account, source).update(source, lambda doc: {**doc, "pvt_attachments": link})
        (moved,) = change(api, box, source_id=other["id"], messages=[source])["succeeded"]
        assert stored(account, moved)["pvt_attachments"] == link


class TestCopy:
    def test_each_mailbox_gets_a_copy_and_the_source_stays(
        self, api: Api, account: Account, box: dict[str, Any], other: dict[str, Any], audio: Any
    ) -> None:
        third = api.new_box()
        recording = audio("mp3")
        source = leave_spoken(account, box, gregorian.now() - 60, recording.content)
        outcome = change(api, box, source_id=[other["id"], third["id"]], messages=[source])
        assert outcome["failed"] == []
        copies = [stored(account, key) for key in outcome["succeeded"]]
        assert sorted(doc["source_id"] for doc in copies) == sorted([other["id"], third["id"]])
        assert len({source, *outcome["succeeded"]}) == 3
        for doc in copies:
            stream = database(account, doc["_id"]).open_attachment(doc["_id"], "msg.mp3")
            assert stream is not None
            assert stream.read() == recording.content
        assert stored(account, source)["metadata"]["folder"] == "new"

    def test_copying_creates_the_database_of_a_new_month(
        self, api: Api, account: Account, box: dict[str, Any], other: dict[str, Any]
    ) -> None:
        (source,) = leave(account, box, [gregorian.now() - 60 * DAY])
        month = gregorian.month_of(gregorian.now())
        (copied,) = change(api, box, source_id=[other["id"]], messages=[source])["succeeded"]
        assert couch().exists(database(account, copied).name)
        assert copied.startswith(month)
