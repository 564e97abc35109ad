"""The message broker gets events and lamps in Kazoo's form, whoever dies meanwhile."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from couch.database import Database
from storage import database_names, private_fields
from tests.support.api_client import Account, Api
from tests.support.following import Following
from tests.support.rabbitmq import RabbitMQ, Receiver
from tests.support.servers import Service, wait_until

pytestmark = pytest.mark.long

HEADERS = {"App-Name", "App-Version", "Event-Category", "Event-Name", "Msg-ID", "Node", "Server-ID"}
REQUIRED = {
    *("Account-ID", "From-Realm", "From-User", "To-Realm", "To-User"),
    *("Voicemail-Box", "Voicemail-ID", "Voicemail-Timestamp"),
}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A broker."""
    broker = RabbitMQ(tmp_path_factory.mktemp("rabbitmq"))
    yield broker
    broker.running.kill()


@pytest.fixture(scope="module")
def receiver(broker: RabbitMQ) -> Iterator[Receiver]:
    """A receiver of all that is published."""
    receiver = Receiver(broker)
    yield receiver
    receiver.stop()


@pytest.fixture(scope="module")
def publishing(
    broker: RabbitMQ,
    receiver: Receiver,
    new_service: Callable[..., Service],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Following]:
    """A follower that publishes, also what is uploaded."""
    service = new_service(AMQP_URL=broker.url, PUBLISH_UPLOADS="1")
    following = Following(service, tmp_path_factory.mktemp("publishing") / "events", ("amqp",))
    following.start()
    yield following
    following.stop()


@pytest.fixture
def box_id(api: Api, account: Account) -> str:
    """A mailbox of the administrator."""
    box = {"name": "Sales", "mailbox": "30 00.1", "owner_id": account.user_id}
    return str(api.put("vmboxes", box).json()["data"]["id"])


@pytest.fixture
def devices(db: Database, account: Account) -> None:
    """Devices of the administrator, of which the first has a lamp."""
    differences: list[dict[str, Any]] = [
        {},
        {"enabled": False},
        {"mwi_unsolicited_updates": False},
        {"sip": {"username": "by-ip", "method": "ip"}},
    ]
    for number, members in enumerate(differences):
        device = {
            "_id": f"{number:032x}",
            "owner_id": account.user_id,
            "sip": {"username": f"phone{number}"},
            **members,
        }
        db.put(private_fields.stamp_new(device, pvt_type="device", account_id=account.id, db_name=db.name))


def leave(api: Api, box_id: str, **fields: Any) -> str:
    """Leave a message; its id."""
    return str(api.put(f"vmboxes/{box_id}/messages", fields).json()["data"]["media_id"])


def test_voicemail_events_have_kazoos_form(
    publishing: Following, receiver: Receiver, api: Api, account: Account, box_id: str
) -> None:
    message_id = leave(api, box_id, caller_id_name="Grace", caller_id_number="2001", call_id="c1", length=3140)
    (new,) = receiver.wait_for("voicemail_new", Voicemail_ID=message_id)
    api.post(f"vmboxes/{box_id}/messages/{message_id}", {"folder": "saved"})
    (saved,) = receiver.wait_for("voicemail_saved", Voicemail_ID=message_id)
    api.delete(f"vmboxes/{box_id}/messages/{message_id}")
    (deleted,) = receiver.wait_for("voicemail_deleted", Voicemail_ID=message_id)
    for event, name in ((new, "new"), (saved, "saved"), (deleted, "deleted")):
        assert event.keys() >= HEADERS | REQUIRED
        assert (event["exchange"], event["key"]) == ("notifications", f"notifications.voicemail.{name}")
        assert (event["App-Name"], event["App-Version"], event["Server-ID"]) == ("callflow", "4.0.0", "")
        assert (event["Account-ID"], event["Voicemail-Box"]) == (account.id, box_id)
        assert event["Account-DB"] == database_names.encode(database_names.account_db(account.id))
        assert (event["Caller-ID-Name"], event["Caller-ID-Number"], event["Call-ID"]) == ("Grace", "2001", "c1")
        assert (event["From-User"], event["From-Realm"]) == ("2001", account.realm)
        assert (event["To-User"], event["To-Realm"], event["Voicemail-Length"]) == ("30 00.1", account.realm, 3140)
    assert deleted["Reason"] == "crossbar_action"
    assert len({new["Msg-ID"], saved["Msg-ID"], deleted["Msg-ID"]}) == 3


def test_documents_and_databases_have_kazoos_form(
    publishing: Following, receiver: Receiver, api: Api, account: Account, box_id: str
) -> None:
    database = database_names.encode(database_names.account_db(account.id))
    (created,) = receiver.wait_for("doc_created", ID=box_id)
    assert created["exchange"] == "configuration"
    assert created["key"] == f"doc_created.{database}.vmbox.{box_id}"
    assert created["Event-Category"] == "configuration"
    assert (created["Database"], created["Type"], created["Account-ID"]) == (database, "vmbox", account.id)
    assert (created["Is-Soft-Deleted"], created["Version"]) == (False, "1")
    assert created["Rev"].startswith("1-")
    assert created.keys() >= {"Date-Created", "Date-Modified", *HEADERS}
    api.patch(f"vmboxes/{box_id}", {"name": "Support"})
    receiver.wait_for("doc_edited", ID=box_id)
    api.delete(f"vmboxes/{box_id}")
    (deleted,) = receiver.wait_for("doc_deleted", ID=box_id)
    assert deleted["Is-Soft-Deleted"] is True
    (database_event,) = receiver.wait_for("db_created", ID=database)
    assert database_event["key"] == f"db_created.{database}.database.{database}"


def test_the_mailbox_and_its_owners_devices_have_lamps(
    publishing: Following, receiver: Receiver, api: Api, account: Account, box_id: str, devices: None
) -> None:
    message_id = leave(api, box_id)
    box_address, device_address = f"30 00.1@{account.realm}", f"phone0@{account.realm}"
    (lamp,) = receiver.wait_for("mwi_update", To=box_address, Messages_New=1)
    realm = account.realm.replace(".", "%2E")
    assert (lamp["exchange"], lamp["key"]) == ("presence", f"mwi_updates.{realm}.30+00%2E1")
    assert (lamp["Messages-Saved"], lamp["Messages-Waiting"]) == (0, "yes")
    assert (lamp["To-User"], lamp["To-Realm"]) == ("30 00.1", account.realm)
    receiver.wait_for("mwi_update", To=device_address, Messages_New=1)
    (unsolicited,) = receiver.wait_for("mwi_unsolicited_update", To=device_address, Messages_New=1)
    assert unsolicited["key"] == f"mwi_unsolicited_updates.{realm}"
    api.post(f"vmboxes/{box_id}/messages/{message_id}", {"folder": "saved"})
    receiver.wait_for("mwi_update", To=box_address, Messages_New=0, Messages_Saved=1, Messages_Waiting="no")
    lamps = [*receiver.named("mwi_update", To_Realm=account.realm), *receiver.named("mwi_unsolicited_update")]
    addresses = {message["To"] for message in lamps if message["To-Realm"] == account.realm}
    assert addresses == {box_address, device_address}


def test_what_has_too_long_a_name_holds_up_nothing(
    publishing: Following, receiver: Receiver, api: Api, account: Account, box_id: str, db: Database
) -> None:
    odd = {"_id": "\u00fc" * 90, "name": 7, "mailbox": ["x"], "owner_id": {"a": 1}}
    db.put(private_fields.stamp_new(odd, pvt_type="vmbox", account_id=account.id, db_name=db.name))
    message_id = leave(api, box_id)
    receiver.wait_for("voicemail_new", Voicemail_ID=message_id)
    receiver.wait_for("mwi_update", To=f"30 00.1@{account.realm}", Messages_New=1)
    api.patch(f"vmboxes/{box_id}", {"name": "Support"})
    receiver.wait_for("doc_edited", ID=box_id)


def test_many_changes_at_once_make_one_lamp(
    publishing: Following, receiver: Receiver, api: Api, account: Account, box_id: str
) -> None:
    ids = [leave(api, box_id) for _ in range(30)]
    address = f"30 00.1@{account.realm}"
    receiver.wait_for("mwi_update", To=address, Messages_New=30)
    before = len(receiver.named("mwi_update", To=address))
    api.post(f"vmboxes/{box_id}/messages", {"messages": ids, "folder": "saved"})
    receiver.wait_for("mwi_update", To=address, Messages_Saved=30)
    assert len(receiver.named("mwi_update", To=address)) - before <= 3
    assert len(receiver.wait_for("voicemail_saved", 30, Voicemail_Box=box_id)) == 30


def test_who_asks_for_a_lamp_gets_an_answer(
    publishing: Following, receiver: Receiver, api: Api, account: Account, box_id: str, devices: None
) -> None:
    leave(api, box_id)
    receiver.wait_for("mwi_update", To=f"30 00.1@{account.realm}", Messages_New=1)
    for username in ("30 00.1", "phone0"):
        headers = {"Event-Category": "presence", "Event-Name": "mwi_query", "App-Name": "a telephone system"}
        question = {**headers, "Realm": account.realm, "Username": username, "Call-ID": f"asked {username}"}
        receiver.ask(f"mwi_queries.{account.realm.replace('.', '%2E')}", {**question, "Server-ID": "everything"})
        answers = receiver.wait_for("mwi_update", 2, Call_ID=f"asked {username}")
        assert {answer["exchange"] for answer in answers} == {"presence", "targeted"}
        assert {(answer["To"], answer["Messages-New"]) for answer in answers} == {(f"{username}@{account.realm}", 1)}


def test_nothing_is_lost_while_the_broker_and_the_follower_are_killed(
    publishing: Following, broker: RabbitMQ, receiver: Receiver, api: Api, box_id: str
) -> None:
    stored: list[str] = []
    writer = threading.Thread(target=lambda: stored.extend(leave(api, box_id) for _ in range(40)))
    writer.start()
    receiver.wait_for("voicemail_new", 5, Voicemail_Box=box_id)
    broker.running.kill()
    publishing.running[-1].kill()
    publishing.start()
    broker.start()
    writer.join()

    def first_told() -> list[str]:
        events = receiver.named("voicemail_new", Voicemail_Box=box_id)
        return list(dict.fromkeys(event["Voicemail-ID"] for event in events))

    wait_until(lambda: set(first_told()) == set(stored), 120)
    assert first_told() == stored
    ids = {
        (event["Msg-ID"], event["Voicemail-ID"]) for event in receiver.named("voicemail_new", Voicemail_Box=box_id)
    }
    assert len(ids) == len(stored)
