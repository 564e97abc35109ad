"""A made-up system of Kazoo 3.x: accounts with users, mailboxes, and messages in the mailboxes' arrays."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from couch.client import Document
from migration.samples import audio, dirt
from storage import database_names, private_fields

PASSWORD = "kazoo3 sample"  # noqa: S105 - no secret: it opens made-up accounts
_NODE = "whistle_apps@kazoo3.example.com"
_DAY = 86_400
_NAMES = ("Ada", "Grace", "Charles", "Alan", "Edsger", "Barbara", "Donald", "Frances", "Ken", "Margaret")
_SURNAMES = ("Smith", "Jones", "Miller", "Brown", "Garcia", "Davis", "Wilson", "Moore", "Taylor", "Clark")
_TRADES = ("Dental", "Bakery", "Logistics", "Law", "Plumbing", "Travel", "Garage", "Clinic", "Printing", "Foods")
_ZONES = ("America/Los_Angeles", "America/New_York", "Europe/London", "Europe/Berlin", "UTC")
_FOLDERS = ("new", "new", "saved", "saved", "saved", "deleted")


@dataclass(frozen=True)
class Plan:
    """How much is made, and of what kind."""

    accounts: int
    boxes: int
    """In each account."""
    messages: int
    """In each box."""
    until: int
    """When the last message was left, in Gregorian seconds."""
    days: int = 365
    """Over how many days before that the messages spread."""
    dirt: float = 0.0
    """The part of the entries, and of the boxes, with which something is wrong."""
    audio_kb: int = 0
    """How long each recording is; 0: as long as the project's few are."""
    seed: str = "1"


@dataclass(frozen=True)
class Account:
    """One account: its document, and what else is in its database."""

    plan: Plan
    number: int
    doc: Document

    @property
    def database(self) -> str:
        """Its database's plain name."""
        return database_names.account_db(self.doc["_id"])

    def documents(self) -> Iterator[Document]:
        """All documents of its database, made as they are asked for; audio is bytes, the member `data` of a stub."""
        yield self.doc
        random = _random(self.plan, self.number)
        last: dict[str, Any] | None = None
        for index in range(self.plan.boxes):
            user = self._user(index, random)
            yield user
            yield from _furniture(self, index, user, random)
            box = self._box(index, user, random)
            array: list[Any] = []
            yield from self._messages(box, array, last, random)
            clean = [one for one in array if isinstance(one, dict) and one.get("media_id")]
            last = clean[-1] if clean else last
            yield {**box, "messages": array}

    def _user(self, index: int, random: Random) -> Document:
        name, surname = random.choice(_NAMES), random.choice(_SURNAMES)
        username = f"{name}.{surname}.{1001 + index}".lower()
        hashed = f"{username}:{PASSWORD}".encode()
        return self._stored(
            "user",
            random,
            first_name=name,
            last_name=surname,
            username=username,
            email=f"{username}@{self.doc['realm']}",
            enabled=True,
            priv_level="admin" if index == 0 else "user",
            pvt_md5_auth=hashlib.md5(hashed, usedforsecurity=False).hexdigest(),
            pvt_sha1_auth=hashlib.sha1(hashed, usedforsecurity=False).hexdigest(),
        )

    def _box(self, index: int, user: Document, random: Random) -> Document:
        box = self._stored(
            "vmbox",
            random,
            name=f"{user['first_name']} {user['last_name']}'s Voicemail",
            mailbox=str(1001 + index),
            owner_id=user["_id"],
            timezone=random.choice(_ZONES),
            pin=f"{random.randrange(10_000):04d}",
            require_pin=True,
            is_setup=True,
            check_if_owner=True,
            delete_after_notify=False,
            media={},
        )
        return dirt.spoil_box(box, random) if random.random() < self.plan.dirt else box

    def _messages(
        self, box: Document, array: list[Any], other: dict[str, Any] | None, random: Random
    ) -> Iterator[Document]:
        """The media documents of a box's messages; their entries are added to the array."""
        for _ in range(self.plan.messages):
            entry, media = self._message(box, random)
            if random.random() >= self.plan.dirt:
                array.append(entry)
                yield media
                continue
            # The same media in two entries, or in two boxes, or what `dirt` knows.
            kind = random.randrange(12)
            repeated = next((one for one in array if isinstance(one, dict) and one.get("media_id")), None)
            if kind == 0 and repeated is not None:
                array.append(dict(repeated))
            elif kind == 1 and other is not None:
                array.append(dict(other))
            else:
                spoilt, left = dirt.spoil_entry(entry, media, random)
                array.append(spoilt)
                if left is not None:
                    yield left

    def _message(self, box: Document, random: Random) -> tuple[dict[str, Any], Document]:
        caller, realm = random.randrange(2_025_550_100, 2_025_559_999), self.doc["realm"]
        when = self.plan.until - random.randrange(self.plan.days * _DAY)
        choice = random.randrange(1_000)
        media = self._stored("private_media", random)
        content = audio.recording(choice, self.plan.audio_kb, media["_id"])
        attachment = f"uploaded_file_{when}.mp3"
        media |= {
            "name": f"mailbox {box['mailbox']} message {when}",
            "description": "voicemail message media",
            "source_type": "voicemail",
            "source_id": box["_id"],
            "media_source": "recording",
            "streamable": True,
            "pvt_created": when,
            "pvt_modified": when + 40,
            "_attachments": {attachment: {"content_type": audio.CONTENT_TYPE, "data": content}},
        }
        entry = {
            "timestamp": when,
            "from": f"{caller}@{realm}",
            "to": f"{box['mailbox']}@{realm}",
            "caller_id_number": str(caller),
            "caller_id_name": f"{random.choice(_NAMES)} {random.choice(_SURNAMES)}",
            "call_id": _hex(random),
            "folder": random.choice(_FOLDERS),
            "length": random.randrange(900, 120_000),
            "media_id": media["_id"],
        }
        return entry, media

    def _stored(self, pvt_type: str, random: Random, **fields: Any) -> Document:
        return {**_stamped(self.plan, self.doc["_id"], pvt_type), "_id": _hex(random), **fields}


def accounts(plan: Plan) -> Iterator[Account]:
    """The accounts of a system, the first one above the others."""
    first: str | None = None
    for number in range(plan.accounts):
        random = Random(f"{plan.seed} account {number}")  # noqa: S311 - no secret
        account_id = _hex(random)
        name = f"{random.choice(_SURNAMES)} {random.choice(_TRADES)} {number + 1}"
        tree = [first] if first else []
        doc = {
            **_stamped(plan, account_id, "account"),
            "_id": account_id,
            "name": name,
            "realm": f"{account_id[:6]}.sip.example.com",
            "timezone": random.choice(_ZONES),
            "language": "en-us",
            "enabled": True,
            "pvt_enabled": True,
            "pvt_api_key": _hex(random) + _hex(random),
            "pvt_tree": tree,
            "pvt_superduper_admin": first is None,
        }
        if first:
            doc["pvt_parent_id"] = first
        doc["pvt_alphanum_name"] = private_fields.alphanumeric(name)
        first = first or account_id
        yield Account(plan, number, doc)


def _furniture(account: Account, index: int, user: Document, random: Random) -> Iterator[Document]:
    """What else stands in an account's database, and is no voicemail."""
    number = str(1001 + index)
    yield account._stored("device", random, name=f"Phone {number}", owner_id=user["_id"], device_type="sip_device")
    flow = {"module": "voicemail", "data": {}, "children": {}}
    yield account._stored("callflow", random, numbers=[number], flow=flow, owner_id=user["_id"])


def _stamped(plan: Plan, account_id: str, pvt_type: str) -> Document:
    created = plan.until - (plan.days + 30) * _DAY
    return {
        "pvt_type": pvt_type,
        "pvt_account_id": account_id,
        "pvt_account_db": database_names.encoded(database_names.account_db(account_id)),
        "pvt_created": created,
        "pvt_modified": created,
        "pvt_vsn": "1",
        "pvt_node": _NODE,
    }


def _random(plan: Plan, number: int) -> Random:
    return Random(f"{plan.seed} documents {number}")  # noqa: S311 - no secret


def _hex(random: Random) -> str:
    return f"{random.getrandbits(128):032x}"
