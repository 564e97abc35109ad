"""A made-up system of Kazoo 3.x: accounts with users, mailboxes, greetings, and messages in the mailboxes' arrays."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from couch.database import Document
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
    """How much data to make, and of what kind."""

    accounts: int
    boxes: int
    """In each account."""
    messages: int
    """In each box."""
    until: int
    """The time of the last message, in Gregorian seconds."""
    days: int = 365
    """Over how many days before that the messages are spread."""
    dirt: float = 0.0
    """The part of the entries, and of the mailboxes, that have a fault; from 0 to 1."""
    audio_kb: int = 0
    """The size of each recording in kilobytes; 0 for that of the project's recordings."""
    seed: str = "1"


@dataclass(frozen=True)
class SampleAccount:
    """A made-up account."""

    plan: Plan
    number: int
    doc: Document

    @property
    def database(self) -> str:
        """The plain name of its database."""
        return database_names.account_db(self.doc["_id"])

    def documents(self) -> Iterator[Document]:
        """Make all documents of its database, one by one. Audio is in the stubs, as bytes in `data`."""
        yield self.doc
        random, media_random = (_seeded_random(self.plan, self.number, kind) for kind in ("documents", "greetings"))
        yield self._media("Hold music", media_random)
        previous_entry: dict[str, Any] | None = None
        for index in range(self.plan.boxes):
            user = self._user(index, random)
            yield from self._unrelated_documents(index, user, random)
            box = self._box(index, user, random)
            yield from self._greetings(index, user, box, media_random)
            yield user
            array: list[Any] = []
            yield from self._messages(box, array, previous_entry, random)
            valid = [raw for raw in array if isinstance(raw, dict) and raw.get("media_id")]
            previous_entry = valid[-1] if valid else previous_entry
            yield {**box, "messages": array}

    def _user(self, index: int, random: Random) -> Document:
        name, surname = random.choice(_NAMES), random.choice(_SURNAMES)
        username = f"{name}.{surname}.{1001 + index}".lower()
        hashed = f"{username}:{PASSWORD}".encode()
        return self._document(
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
        box = self._document(
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

    def _greetings(self, index: int, user: Document, box: Document, random: Random) -> Iterator[Document]:
        """The greetings of every second mailbox and the name of every third user, which are named in both."""
        title = f"{user['first_name']} {user['last_name']}"
        names = ["unavailable"] if index % 2 == 0 else []
        names += ["temporary_unavailable"] if index % 4 == 2 else []
        for name in names:
            media = self._media(f"{title}: {name}", random, source_type="voicemail", source_id=box["_id"])
            box["media"] = {**(box.get("media") or {}), name: media["_id"]}
            yield from self._spoil_greeting(media, random)
        if index % 3 == 0:
            media = self._media(title, random, source_type="voicemail", source_id=box["_id"])
            user["media"] = {"recorded_name": media["_id"]}
            yield from self._spoil_greeting(media, random)

    def _media(self, name: str, random: Random, **fields: Any) -> Document:
        media = self._document("media", random)
        content = audio.make_recording(random.randrange(1_000), 0, media["_id"])
        return {
            **media,
            "name": name,
            "media_source": "recording" if fields else "upload",
            "streamable": True,
            "content_type": audio.CONTENT_TYPE,
            "content_length": len(content),
            "language": "en-us",
            **fields,
            "_attachments": {f"{media['_id']}.mp3": {"content_type": audio.CONTENT_TYPE, "data": content}},
        }

    def _spoil_greeting(self, media: Document, random: Random) -> Iterator[Document]:
        """The greeting; with a fault it has no audio, or doesn't exist."""
        is_spoilt, is_missing = random.random() < self.plan.dirt, random.random() < 0.5
        if not is_spoilt:
            yield media
        elif not is_missing:
            yield {key: value for key, value in media.items() if key != "_attachments"}

    def _messages(
        self, box: Document, array: list[Any], entry_of_other_box: dict[str, Any] | None, random: Random
    ) -> Iterator[Document]:
        """The media documents of a mailbox's messages. Adds the entries to the array."""
        for _ in range(self.plan.messages):
            entry, media = self._message(box, random)
            if random.random() >= self.plan.dirt:
                array.append(entry)
                yield media
                continue
            # A fault: the same media document in two entries, or in two mailboxes, or one that `dirt` knows.
            kind = random.randrange(12)
            duplicate = next((raw for raw in array if isinstance(raw, dict) and raw.get("media_id")), None)
            if kind == 0 and duplicate is not None:
                array.append(dict(duplicate))
            elif kind == 1 and entry_of_other_box is not None:
                array.append(dict(entry_of_other_box))
            else:
                raw, spoilt_media = dirt.spoil_entry(entry, media, random)
                array.append(raw)
                if spoilt_media is not None:
                    yield spoilt_media

    def _message(self, box: Document, random: Random) -> tuple[dict[str, Any], Document]:
        caller, realm = random.randrange(2_025_550_100, 2_025_559_999), self.doc["realm"]
        timestamp = self.plan.until - random.randrange(self.plan.days * _DAY)
        choice = random.randrange(1_000)
        media = self._document("private_media", random)
        content = audio.make_recording(choice, self.plan.audio_kb, media["_id"])
        attachment = f"uploaded_file_{timestamp}.mp3"
        media |= {
            "name": f"mailbox {box['mailbox']} message {timestamp}",
            "description": "voicemail message media",
            "source_type": "voicemail",
            "source_id": box["_id"],
            "media_source": "recording",
            "streamable": True,
            "pvt_created": timestamp,
            "pvt_modified": timestamp + 40,
            "_attachments": {attachment: {"content_type": audio.CONTENT_TYPE, "data": content}},
        }
        entry = {
            "timestamp": timestamp,
            "from": f"{caller}@{realm}",
            "to": f"{box['mailbox']}@{realm}",
            "caller_id_number": str(caller),
            "caller_id_name": f"{random.choice(_NAMES)} {random.choice(_SURNAMES)}",
            "call_id": _random_id(random),
            "folder": random.choice(_FOLDERS),
            "length": random.randrange(900, 120_000),
            "media_id": media["_id"],
        }
        return entry, media

    def _unrelated_documents(self, index: int, user: Document, random: Random) -> Iterator[Document]:
        """Documents that are no voicemail, as there are in every account's database."""
        number = str(1001 + index)
        owner_id = user["_id"]
        yield self._document("device", random, name=f"Phone {number}", owner_id=owner_id, device_type="sip_device")
        flow = {"module": "voicemail", "data": {}, "children": {}}
        yield self._document("callflow", random, numbers=[number], flow=flow, owner_id=owner_id)

    def _document(self, pvt_type: str, random: Random, **fields: Any) -> Document:
        return {**_private_fields(self.plan, self.doc["_id"], pvt_type), "_id": _random_id(random), **fields}


def make_accounts(plan: Plan) -> Iterator[SampleAccount]:
    """Make the accounts of a system, the first one as the parent of the others."""
    first: str | None = None
    for number in range(plan.accounts):
        random = Random(f"{plan.seed} account {number}")  # noqa: S311 - no secret
        account_id = _random_id(random)
        name = f"{random.choice(_SURNAMES)} {random.choice(_TRADES)} {number + 1}"
        tree = [first] if first else []
        doc = {
            **_private_fields(plan, account_id, "account"),
            "_id": account_id,
            "name": name,
            "realm": f"{account_id[:6]}.sip.example.com",
            "timezone": random.choice(_ZONES),
            "language": "en-us",
            "enabled": True,
            "pvt_enabled": True,
            "pvt_api_key": _random_id(random) + _random_id(random),
            "pvt_tree": tree,
            "pvt_superduper_admin": first is None,
        }
        if first:
            doc["pvt_parent_id"] = first
        doc["pvt_alphanum_name"] = private_fields.alphanumeric(name)
        first = first or account_id
        yield SampleAccount(plan, number, doc)


def _private_fields(plan: Plan, account_id: str, pvt_type: str) -> Document:
    created = plan.until - (plan.days + 30) * _DAY
    return {
        "pvt_type": pvt_type,
        "pvt_account_id": account_id,
        "pvt_account_db": database_names.encode(database_names.account_db(account_id)),
        "pvt_created": created,
        "pvt_modified": created,
        "pvt_vsn": "1",
        "pvt_node": _NODE,
    }


def _seeded_random(plan: Plan, number: int, kind: str) -> Random:
    return Random(f"{plan.seed} {kind} {number}")  # noqa: S311 - no secret


def _random_id(random: Random) -> str:
    return f"{random.getrandbits(128):032x}"
