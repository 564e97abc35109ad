"""The accounts to measure with: created for the run, filled in bulk, removed at its end."""

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

from accounts import accounts, creation, users
from benchmarks.client import Address, send
from config import environment
from couch.client import couch
from couch.database import Database, Document
from couch.parallel import in_parallel
from storage import database_names, gregorian, modbs, private_fields, schemas, view_names
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import folders
from voicemail.messages import store as message_store

USERNAME = "bench"
KB = 1000
SMALL_AUDIO, AUDIO, LARGE_AUDIO = 1 * KB, 100 * KB, 50_000 * KB
CONTENT_TYPE, AUDIO_NAME = "audio/mpeg", "recording.mp3"
_DAYS = 90  # less than the retention of 93 days, and spread over four months
_SPREAD = _DAYS * 86_400
_BULK_BYTES = 6_000_000
_VIEWS = (view_names.MESSAGES_BY_MAILBOX, view_names.MESSAGE_COUNTS_BY_FOLDER)
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
    """How much data a dataset has."""

    boxes: int = 200
    messages: int = 10_000
    bulk: int = 1_000
    moved: int = 100
    archived: int = 1_000
    large: int = LARGE_AUDIO

    @classmethod
    def read(cls) -> "Size":
        """Read the sizes from the environment: BOXES, MESSAGES, BULK, MOVED, ARCHIVED, LARGE (bytes)."""
        defaults = asdict(cls())
        return cls(**{name: environment.integer(name.upper(), default, 1) for name, default in defaults.items()})


@dataclass
class Tenant:
    """An account with its administrator's access to the API, and its mailboxes."""

    account: Document
    password: str
    service_url: str
    boxes: list[Document] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    """Ids of messages in it, if the calls to be measured need any."""

    @property
    def id(self) -> str:
        """The account's id."""
        return str(self.account["_id"])

    @property
    def digest(self) -> str:
        """The hash of user name and password that the administrator signs in with."""
        return hashlib.md5(f"{USERNAME}:{self.password}".encode(), usedforsecurity=False).hexdigest()

    @property
    def credentials(self) -> bytes:
        """The request body that signs the administrator in."""
        return orjson.dumps({"data": {"credentials": self.digest, "account_realm": self.account["realm"]}})

    @cached_property
    def api(self) -> Address:
        """The API's address with the token of an administrator, who signs in on first use."""
        anonymous = Address.of(self.service_url, "Accept: application/json\r\n")
        response = send(anonymous, anonymous.request("PUT", "/v2/user_auth", self.credentials))
        return Address.of(self.service_url, f"X-Auth-Token: {orjson.loads(response.body)['auth_token']}\r\n")

    @property
    def path(self) -> str:
        """The account's path in the API."""
        return f"/v2/accounts/{self.id}"

    def box_path(self, number: int = 0) -> str:
        """The path of a mailbox in the API."""
        return f"{self.path}/vmboxes/{self.boxes[number]['_id']}"

    @property
    def db(self) -> str:
        """The path of the account's database in CouchDB."""
        return "/" + database_names.encode(database_names.account_db(self.id))

    def modb(self, month_or_id: str) -> str:
        """The path in CouchDB of the MODb of a month or of a message's id."""
        return "/" + database_names.encode(database_names.modb(self.id, month_or_id[:6]))

    def add_boxes(self, count: int) -> None:
        """Create `count` more mailboxes."""
        database = accounts.database_of(self.id)
        first = 1000 + len(self.boxes)
        docs = [self._new_box(database, str(first + number)) for number in range(count)]
        _store_documents(database, docs)
        self.boxes += docs

    def _new_box(self, database: Database, number: str) -> Document:
        data = schemas.validator(mailbox_store.SCHEMA).validate({"name": f"Box {number}", "mailbox": number})
        return private_fields.stamp_new(
            {**data, "_id": secrets.token_hex(16)},
            pvt_type=mailbox_store.TYPE,
            account_id=self.id,
            db_name=database.name,
        )

    def fill(
        self, count: int, boxes: Sequence[Document] | None = None, *, audio: int = SMALL_AUDIO, spread: int = _SPREAD
    ) -> list[str]:
        """Store messages evenly over the mailboxes and the last `spread` seconds. Returns their ids, newest first."""
        boxes = boxes or self.boxes
        now = gregorian.now()
        by_month: dict[str, list[Document]] = {}
        for number in range(count):
            timestamp = now - 60 - number * max(spread - 60, 1) // max(count, 1)
            doc = self._new_message(boxes[number % len(boxes)], timestamp, number)
            by_month.setdefault(gregorian.month_of(timestamp), []).append(doc)
        month_docs = in_parallel(lambda month: (modbs.ensure(self.id, month), by_month[month]), list(by_month))
        for database, docs in month_docs:
            _store_documents(database, docs, audio)
        in_parallel(_build_indexes, [database for database, _ in month_docs])
        return [doc["_id"] for docs in by_month.values() for doc in docs]

    def _new_message(self, box: Document, timestamp: int, number: int) -> Document:
        # Every tenth message is from the caller that listings filter for, also if only every second is in the box.
        caller = number // 2 % len(_CALLERS)
        values = {
            "timestamp": timestamp,
            "folder": folders.SAVED if number % 3 else folders.NEW,
            "length": 1_000 * (number % 120 + 1),
            "call_id": secrets.token_hex(16),
            "caller_id_name": _CALLERS[caller],
            "caller_id_number": f"20255501{caller:02d}",
            "from": f"20255501{caller:02d}",
            "to": box["mailbox"],
        }
        doc = message_store.build(self.account, box, values, None)
        if number % 4 == 0:
            doc["transcription"] = {"result": "success", "text": "Please call me back when you have a minute."}
        return message_store.with_audio_name(doc, AUDIO_NAME)


class Dataset:
    """The accounts that calls are measured in, each created on first use and removed at the end."""

    def __init__(
        self, service_url: str, size: Size, print_progress: Callable[[str], None] = lambda text: None
    ) -> None:
        self.service_url, self.size, self._print_progress = service_url, size, print_progress
        self._account_ids: list[str] = []

    def new_tenant(self, boxes: int = 0) -> Tenant:
        """Create an account with an administrator and `boxes` mailboxes."""
        unique, password = secrets.token_hex(5), secrets.token_hex(8)
        user = {
            "username": USERNAME,
            "password": password,
            "first_name": "B",
            "last_name": "M",
            "priv_level": "admin",
        }

        def prepare(account_id: str) -> None:
            self._account_ids.append(account_id)
            users.create(account_id, user)

        account = creation.create({"name": f"Bench {unique}", "realm": f"bench-{unique}.localhost"}, prepare=prepare)
        tenant = Tenant(account, password, self.service_url)
        tenant.add_boxes(boxes)
        return tenant

    @cached_property
    def many_boxes(self) -> tuple[Tenant, list[str]]:
        """An account with messages in each of its many mailboxes, and the messages' ids."""
        self._print_progress(f"filling an account with {self.size.boxes} boxes and {self.size.messages} messages")
        tenant = self.new_tenant(self.size.boxes)
        return tenant, tenant.fill(self.size.messages)

    @cached_property
    def full_box(self) -> tuple[Tenant, list[str]]:
        """An account with all messages in its one mailbox, and their ids, newest first."""
        self._print_progress(f"filling a box with {self.size.messages} messages")
        tenant = self.new_tenant(1)
        return tenant, tenant.fill(self.size.messages)

    @cached_property
    def recordings(self) -> tuple[Tenant, list[str]]:
        """An account whose one mailbox has messages with usual audio, and their ids."""
        self._print_progress(f"filling a box with {self.size.archived} recordings of {AUDIO // KB} KB")
        tenant = self.new_tenant(1)
        return tenant, tenant.fill(self.size.archived, audio=AUDIO, spread=0)

    @cached_property
    def large_recordings(self) -> tuple[Tenant, list[str]]:
        """An account whose one mailbox has two messages with large audio, and their ids."""
        self._print_progress(f"storing recordings of {self.size.large // KB // KB} MB")
        tenant = self.new_tenant(1)
        return tenant, tenant.fill(2, audio=self.size.large, spread=0)

    @cached_property
    def for_changes(self) -> Tenant:
        """An account with two mailboxes, in which messages are created and changed."""
        return self.new_tenant(2)

    def __enter__(self) -> "Dataset":
        return self

    def __exit__(self, *error: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C must not leave accounts behind
            signal.signal(number, signal.SIG_IGN)
        self._print_progress("removing the accounts")
        self.remove()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)

    def remove(self) -> None:
        """Remove all accounts with their databases."""
        accounts = couch().database(database_names.ACCOUNTS)
        docs = accounts.fetch(self._account_ids)
        accounts.put_all([{"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True} for doc in docs.values()])
        names = [
            name for account_id in self._account_ids for name in couch().names(database_names.account_db(account_id))
        ]
        in_parallel(couch().drop, names)


class SingleAccountDataset(Dataset):
    """A dataset of one account, in which everything is measured. Half of all messages are in its first mailbox."""

    @cached_property
    def many_boxes(self) -> tuple[Tenant, list[str]]:
        """The account, and the ids of all its messages."""
        self._print_progress(f"filling an account with {self.size.messages} messages")
        tenant = self.new_tenant(self.size.boxes)
        alternating = [box for second in tenant.boxes for box in (tenant.boxes[0], second)]
        return tenant, tenant.fill(self.size.messages, alternating)

    @cached_property
    def full_box(self) -> tuple[Tenant, list[str]]:
        """The account, and the ids of the messages in its first mailbox, newest first."""
        tenant, ids = self.many_boxes
        return tenant, ids[::2]

    @cached_property
    def for_changes(self) -> Tenant:
        """The account."""
        return self.many_boxes[0]


def random_audio(length: int, seed: int = 0) -> bytes:
    """Bytes that can't be compressed, like those of an MP3 recording."""
    return b"\xff\xfb\x90\x00" + random.Random(seed).randbytes(max(length - 4, 0))  # noqa: S311 - no secret


def _store_documents(database: Database, docs: Iterable[Document], audio: int | None = None) -> None:
    """Store documents in requests of some megabytes; with `audio`, each gets that many random bytes."""
    batch_size = min(1_000, max(1, _BULK_BYTES // ((audio or 0) * 4 // 3 + 1_000)))
    remaining_docs = iter(docs)
    if audio is not None and audio > _BULK_BYTES:
        for doc in remaining_docs:
            database.put_with_attachment(doc, AUDIO_NAME, CONTENT_TYPE, BytesIO(random_audio(audio)), audio)
    while batch := list(islice(remaining_docs, batch_size)):
        results = database.put_all([doc if audio is None else _with_audio(doc, audio) for doc in batch])
        assert all(result.error is None for result in results)


def _with_audio(doc: Document, audio: int) -> Document:
    data = b64encode(b"\xff\xfb\x90\x00" + os.urandom(audio - 4)).decode()
    return {**doc, "_attachments": {AUDIO_NAME: {"content_type": CONTENT_TYPE, "data": data}}}


def _build_indexes(database: Database) -> None:
    for design, view in _VIEWS:
        database.view(design, view, limit=0, reduce=False)
