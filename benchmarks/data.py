"""The data that is measured on: accounts of its own, filled in bulk, and gone at the end."""

import hashlib
import os
import random
import secrets
import signal
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from io import BytesIO
from itertools import islice

import orjson

from accounts import creation, users
from benchmarks.client import Address, once
from config import environment
from couch.client import Database, Document, couch
from couch.parallel import in_parallel
from storage import database_names, gregorian, modbs, private_fields, schemas
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import folders
from voicemail.messages import store as message_store

USERNAME = "bench"
KB = 1000
SMALL_AUDIO, AUDIO, LARGE_AUDIO = 1 * KB, 100 * KB, 50_000 * KB
KIND, AUDIO_NAME = "audio/mpeg", "recording.mp3"
_DAYS = 90  # within the retention of 93, over four months
_SPREAD = _DAYS * 86_400
_BULK_BYTES = 6_000_000
_VIEWS = (("mailbox_messages", "listing_by_mailbox"), ("mailbox_message_counts", "by_box_folder"))
_CALLERS = (
    "Dr Miller",
    "Front desk",
    "Grace",
    "Charles",
    "Ada",
    "anonymous",
    "Zoë Ångström",
    "Sales",
    "Linus",
    "Mum",
)


@dataclass(frozen=True)
class Size:
    """How much of everything there is."""

    boxes: int = 200
    messages: int = 10_000
    bulk: int = 1_000
    moved: int = 100
    archived: int = 1_000
    large: int = LARGE_AUDIO

    @classmethod
    def read(cls) -> "Size":
        """As the environment says: BOXES, MESSAGES, BULK, MOVED, ARCHIVED, LARGE (bytes)."""
        usual = asdict(cls())
        return cls(**{name: environment.whole(name.upper(), number, 1) for name, number in usual.items()})


@dataclass
class Tenant:
    """An account, how its administrator reaches the API, and its boxes."""

    account: Document
    password: str
    service_url: str
    boxes: list[Document] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    """Those of some of its messages, where that matters."""

    @property
    def id(self) -> str:
        """The account's id."""
        return str(self.account["_id"])

    @property
    def digest(self) -> str:
        """What the administrator's user name and password are known by."""
        return hashlib.md5(f"{USERNAME}:{self.password}".encode(), usedforsecurity=False).hexdigest()

    @property
    def credentials(self) -> bytes:
        """What the administrator signs in with, in an envelope."""
        return orjson.dumps({"data": {"credentials": self.digest, "account_realm": self.account["realm"]}})

    @cached_property
    def api(self) -> Address:
        """The API, as who signed in reaches it."""
        plain = Address.of(self.service_url, "Accept: application/json\r\n")
        answer = once(plain, plain.request("PUT", "/v2/user_auth", self.credentials))
        return Address.of(self.service_url, f"X-Auth-Token: {orjson.loads(answer.body)['auth_token']}\r\n")

    @property
    def path(self) -> str:
        """The account's path in the API."""
        return f"/v2/accounts/{self.id}"

    def box_path(self, number: int = 0) -> str:
        """The path of one of its boxes in the API."""
        return f"{self.path}/vmboxes/{self.boxes[number]['_id']}"

    @property
    def db(self) -> str:
        """The account's database, as a path of CouchDB."""
        return "/" + database_names.encoded(database_names.account_db(self.id))

    def modb(self, month_or_id: str) -> str:
        """The database of a month, or of a message's id, as a path of CouchDB."""
        return "/" + database_names.encoded(database_names.modb(self.id, month_or_id[:6]))

    def add_boxes(self, count: int) -> None:
        """Store so many boxes more."""
        database = mailbox_store.database_of(self.id)
        first = 1000 + len(self.boxes)
        docs = [self._box(database, str(first + number)) for number in range(count)]
        _store(database, docs)
        self.boxes += docs

    def _box(self, database: Database, number: str) -> Document:
        checked = schemas.validator(mailbox_store.SCHEMA).validate({"name": f"Box {number}", "mailbox": number})
        return private_fields.stamp_new(
            {**checked, "_id": secrets.token_hex(16)},
            pvt_type=mailbox_store.TYPE,
            account_id=self.id,
            db_name=database.name,
        )

    def fill(
        self, count: int, boxes: Sequence[Document] | None = None, *, audio: int = SMALL_AUDIO, spread: int = _SPREAD
    ) -> list[str]:
        """Store messages, evenly over the boxes and over the last seconds of `spread`; their ids, newest first."""
        boxes = boxes or self.boxes
        now = gregorian.now()
        by_month: dict[str, list[Document]] = {}
        for number in range(count):
            left = now - 60 - number * max(spread - 60, 1) // max(count, 1)
            doc = self._message(boxes[number % len(boxes)], left, number)
            by_month.setdefault(gregorian.month_of(left), []).append(doc)
        filled = in_parallel(lambda month: (modbs.ensure(self.id, month), by_month[month]), list(by_month))
        for database, docs in filled:
            _store(database, docs, audio)
        in_parallel(_build_indexes, [database for database, _ in filled])
        return [doc["_id"] for docs in by_month.values() for doc in docs]

    def _message(self, box: Document, left: int, number: int) -> Document:
        # Every tenth message is of the caller that listings filter for, also where every second is in another box.
        caller = number // 2 % len(_CALLERS)
        described = {
            "timestamp": left,
            "folder": folders.SAVED if number % 3 else folders.NEW,
            "length": 1_000 * (number % 120 + 1),
            "call_id": secrets.token_hex(16),
            "caller_id_name": _CALLERS[caller],
            "caller_id_number": f"20255501{caller:02d}",
            "from": f"20255501{caller:02d}",
            "to": box["mailbox"],
        }
        doc = message_store.build(self.account, box, described, None)
        if number % 4 == 0:
            doc["transcription"] = {"result": "success", "text": "Please call me back when you have a minute."}
        return message_store.with_audio_name(doc, AUDIO_NAME)


class World:
    """All accounts of a run, each made when first asked for, and what is measured in them."""

    def __init__(self, service_url: str, size: Size, say: Callable[[str], None] = lambda text: None) -> None:
        self.service_url, self.size, self._say = service_url, size, say
        self._made: list[str] = []

    def new_tenant(self, boxes: int = 0) -> Tenant:
        """A fresh account with an administrator and some boxes."""
        unique, password = secrets.token_hex(5), secrets.token_hex(8)
        user = {
            "username": USERNAME,
            "password": password,
            "first_name": "B",
            "last_name": "M",
            "priv_level": "admin",
        }

        def prepare(account_id: str) -> None:
            self._made.append(account_id)
            users.create(account_id, user)

        account = creation.create({"name": f"Bench {unique}", "realm": f"bench-{unique}.localhost"}, prepare=prepare)
        tenant = Tenant(account, password, self.service_url)
        tenant.add_boxes(boxes)
        return tenant

    @cached_property
    def office(self) -> tuple[Tenant, list[str]]:
        """An account of many boxes with many messages in all of them; the messages' ids."""
        self._say(f"filling an account with {self.size.boxes} boxes and {self.size.messages} messages")
        tenant = self.new_tenant(self.size.boxes)
        return tenant, tenant.fill(self.size.messages)

    @cached_property
    def mailbox(self) -> tuple[Tenant, list[str]]:
        """An account whose one box has all the messages; their ids, newest first."""
        self._say(f"filling a box with {self.size.messages} messages")
        tenant = self.new_tenant(1)
        return tenant, tenant.fill(self.size.messages)

    @cached_property
    def studio(self) -> tuple[Tenant, list[str]]:
        """An account whose one box has messages with long audio; their ids."""
        self._say(f"filling a box with {self.size.archived} recordings of {AUDIO // KB} KB")
        tenant = self.new_tenant(1)
        return tenant, tenant.fill(self.size.archived, audio=AUDIO, spread=0)

    @cached_property
    def hall(self) -> tuple[Tenant, list[str]]:
        """An account whose one box has two messages with very long audio; their ids."""
        self._say(f"storing recordings of {self.size.large // KB // KB} MB")
        tenant = self.new_tenant(1)
        return tenant, tenant.fill(2, audio=self.size.large, spread=0)

    @cached_property
    def workshop(self) -> Tenant:
        """An account of two boxes where messages are made and changed."""
        return self.new_tenant(2)

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *error: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):  # impatience must not leave accounts behind
            signal.signal(number, signal.SIG_IGN)
        self._say("removing what was made")
        self.remove()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)

    def remove(self) -> None:
        """Take away all that was made."""
        accounts = couch().database(database_names.ACCOUNTS)
        found = accounts.fetch(self._made)
        accounts.bulk([{"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True} for doc in found.values()])
        names = [name for account_id in self._made for name in couch().names(database_names.account_db(account_id))]
        in_parallel(couch().drop, names)


class OneAccount(World):
    """A world of one account: half of all messages are in its first box, and what is written is written there."""

    @cached_property
    def office(self) -> tuple[Tenant, list[str]]:
        """The account, and the ids of all its messages."""
        self._say(f"filling an account with {self.size.messages} messages")
        tenant = self.new_tenant(self.size.boxes)
        in_turn = [box for each in tenant.boxes for box in (tenant.boxes[0], each)]
        return tenant, tenant.fill(self.size.messages, in_turn)

    @cached_property
    def mailbox(self) -> tuple[Tenant, list[str]]:
        """The account, and the ids of the first box's messages, newest first."""
        tenant, ids = self.office
        return tenant, ids[::2]

    @cached_property
    def workshop(self) -> Tenant:
        """The account."""
        return self.office[0]


def recording(length: int, seed: int = 0) -> bytes:
    """Bytes that no one can compress, as those of a compressed recording."""
    return b"\xff\xfb\x90\x00" + random.Random(seed).randbytes(max(length - 4, 0))  # noqa: S311 - no secret


def _store(database: Database, docs: Iterable[Document], audio: int | None = None) -> None:
    """Store documents in requests of some megabytes, each with audio of its own."""
    at_once = min(1_000, max(1, _BULK_BYTES // ((audio or 0) * 4 // 3 + 1_000)))
    left = iter(docs)
    if audio is not None and audio > _BULK_BYTES:
        for doc in left:
            database.put_with_attachment(doc, AUDIO_NAME, KIND, BytesIO(recording(audio)), audio)
    while some := list(islice(left, at_once)):
        saved = database.bulk([doc if audio is None else _spoken(doc, audio) for doc in some])
        assert all(one.error is None for one in saved)


def _spoken(doc: Document, audio: int) -> Document:
    data = b64encode(b"\xff\xfb\x90\x00" + os.urandom(audio - 4)).decode()
    return {**doc, "_attachments": {AUDIO_NAME: {"content_type": KIND, "data": data}}}


def _build_indexes(database: Database) -> None:
    for design, view in _VIEWS:
        database.view(design, view, limit=0, reduce=False)
