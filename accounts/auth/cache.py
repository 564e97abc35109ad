"""Cached values of accounts and users: what decides what a caller may do, and what else many requests read.

An instance notices a change within CACHE_SECONDS, the process that made it at once. Whoever changes what decides
rights reads it afresh (`viewset.AuthenticatedViewSet.fresh_actions`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from accounts import accounts, users
from accounts.auth import credentials
from couch.database import Document
from couch.errors import MissingDatabase
from crossbar.errors import BadIdentifier
from storage import database_names, document_cache, document_types, private_fields, system_config, values
from storage.document_cache import DocumentCache

CACHE_SECONDS = 7


@dataclass(frozen=True)
class CachedAccount:
    """The values of an account that many requests need."""

    account_id: str
    ancestor_ids: tuple[str, ...]
    is_enabled: bool
    is_superduper_admin: bool
    signature_secret: str = field(repr=False)
    realm: object
    timezone: object

    @classmethod
    def from_document(cls, doc: Document) -> "CachedAccount":
        """Return what is cached of an account's document."""
        return cls(
            doc["_id"],
            tuple(accounts.ancestor_ids(doc)),
            accounts.is_enabled(doc),
            accounts.is_superduper_admin(doc),
            credentials.signature_secret(doc),
            doc.get("realm"),
            doc.get("timezone"),
        )


@dataclass(frozen=True)
class CachedUser:
    """The values of a user that many requests need."""

    is_enabled: bool
    is_admin: bool
    signature_secret: str = field(repr=False)
    password_md5: str = field(repr=False)
    timezone: object
    name: str

    @classmethod
    def from_document(cls, doc: Document) -> "CachedUser":
        """Return what is cached of a user's document."""
        return cls(
            users.is_enabled(doc),
            users.is_admin(doc),
            credentials.signature_secret(doc),
            str(doc.get(credentials.MD5, "")),
            doc.get("timezone"),
            str(doc.get("username") or ""),
        )


@dataclass(frozen=True)
class CachedDevice:
    """The values of a device that signed in."""

    is_enabled: bool
    owner_id: str | None
    signature_secret: str = field(repr=False)

    @classmethod
    def from_document(cls, doc: Document) -> "CachedDevice":
        """Return what is cached of a device's document."""
        owner_id = doc.get("owner_id")
        return cls(
            not values.is_false(doc.get("enabled")),
            owner_id if isinstance(owner_id, str) and owner_id else None,
            credentials.signature_secret(doc),
        )


_accounts: DocumentCache[CachedAccount] = DocumentCache(20_000, CACHE_SECONDS)
_users: DocumentCache[CachedUser] = DocumentCache(50_000, CACHE_SECONDS)
_devices: DocumentCache[CachedDevice] = DocumentCache(10_000, CACHE_SECONDS)


def get_account(account_id: str) -> CachedAccount:
    """Return a live account's values, CACHE_SECONDS old at most; BadIdentifier if there is none."""
    name = accounts.database_of(account_id).name
    return _accounts.get_or_read(name, account_id, lambda: CachedAccount.from_document(accounts.get(account_id)))


def get_user(account_id: str, user_id: str) -> CachedUser:
    """Return a live user's values, CACHE_SECONDS old at most; BadIdentifier if there is none."""
    name = accounts.database_of(account_id).name
    return _users.get_or_read(name, user_id, lambda: CachedUser.from_document(users.get(account_id, user_id)))


def get_device(account_id: str, device_id: str) -> CachedDevice:
    """Return a live device's values, CACHE_SECONDS old at most; BadIdentifier if there is none."""
    database = accounts.database_of(account_id)

    def read() -> CachedDevice:
        doc = database.get(device_id)
        if doc is None or not private_fields.is_live(doc, document_types.DEVICE):
            raise BadIdentifier(device_id)
        return CachedDevice.from_document(doc)

    return _devices.get_or_read(database.name, device_id, read)


def invalidate_users(account_id: str, *user_ids: str) -> None:
    """Drop what is cached of an account and some of its users, to read them afresh."""
    name = accounts.database_of(account_id).name
    for doc_id in (account_id, *user_ids):
        document_cache.invalidate(name, doc_id)


def prefetch(account_id: str, settings: Iterable[str], ids: Iterable[str]) -> Mapping[str, Document]:
    """Fetch in one request whatever is not cached of an account: its document and the named `settings`.

    The names are those of `system_config.for_account`. If anything has to be fetched, so are the account's documents
    with the given ids, whose reader would come next; they are returned. An account that doesn't exist is not cached
    as missing: its reader asks again and raises. Missing settings are, as most accounts have none.
    """
    missing = Missing.of(account_id, None, settings, ids)
    return missing.fetch() if missing.ids else {}


@dataclass(frozen=True)
class Missing:
    """What is not cached of an account, a user and some settings, and what to fetch along with it."""

    account_id: str
    user_id: str | None
    settings: list[str]
    ids: list[str]
    """Ids of the documents that are not cached: of the account, the user, the settings."""
    extra_ids: list[str]
    generation: int

    @classmethod
    def of(cls, account_id: str, user_id: str | None, settings: Iterable[str], extra_ids: Iterable[str]) -> "Missing":
        """Find out what is not cached."""
        generation = document_cache.generation()
        name = database_names.account_db(account_id)
        ids = [] if _accounts.get(name, account_id) else [account_id]
        if user_id is not None and not _users.get(name, user_id):
            ids.append(user_id)
        missing_settings = [setting for setting in settings if not system_config.is_cached(account_id, setting)]
        ids += map(system_config.document_id, missing_settings)
        return cls(account_id, user_id, missing_settings, ids, list(extra_ids), generation)

    def fetch(self) -> Mapping[str, Document]:
        """Fetch, cache and return the documents by their ids; none if the account's database does not exist."""
        try:
            docs = accounts.database_of(self.account_id).fetch(self.ids + self.extra_ids)
        except MissingDatabase:
            return {}
        self.put(docs)
        return docs

    def put(self, docs: Mapping[str, Document]) -> None:
        """Cache the fetched documents, as far as they are live."""
        name, account = database_names.account_db(self.account_id), docs.get(self.account_id)
        if accounts.is_live(account):
            _accounts.put(name, self.account_id, CachedAccount.from_document(account), self.generation)
        user = None if self.user_id is None else docs.get(self.user_id)
        if self.user_id is not None and users.is_live(user):
            _users.put(name, self.user_id, CachedUser.from_document(user), self.generation)
        for setting in self.settings:
            doc = docs.get(system_config.document_id(setting))
            system_config.put_in_cache(self.account_id, setting, doc, self.generation)
