"""Cached keys: what decides whether a key is valid, and what it may do."""

from dataclasses import dataclass, field

from accounts import accounts
from accounts.api_keys import networks, scopes, store
from accounts.api_keys.key_text import KeyText
from accounts.api_keys.scopes import Scope
from couch.database import Document
from storage import document_cache, gregorian
from storage.document_cache import DocumentCache

CACHE_SECONDS = 3
_NOWHERE = "no network"


@dataclass(frozen=True)
class ApiKey:
    """A key that is not revoked."""

    account_id: str
    id: str
    name: str
    owner_id: str | None
    scopes: frozenset[str]
    networks: tuple[str, ...]
    expires: int | None
    digest: str = field(repr=False)

    @classmethod
    def from_document(cls, account_id: str, doc: Document) -> "ApiKey":
        """Return what is cached of a key's document. What this service wouldn't store of it allows nothing."""
        expires = doc.get("expires")
        has_odd_networks = not isinstance(doc.get("networks", []), list)
        return cls(
            account_id,
            store.key_id_of(doc),
            str(doc.get("name", "")),
            store.owner_id_of(doc),
            frozenset(store.list_member(doc, "scopes")),
            (_NOWHERE,) if has_odd_networks else store.list_member(doc, "networks"),
            expires if isinstance(expires, int) or expires is None else 0,
            str(doc.get(store.SECRET, "")),
        )

    def allows(self, scope: Scope) -> bool:
        """Whether the key may do what needs a scope."""
        return scopes.allow(self.scopes, scope)

    @property
    def is_expired(self) -> bool:
        """Whether the key has ended."""
        return self.expires is not None and self.expires <= gregorian.now()

    def is_valid(self, text: KeyText, address: str) -> bool:
        """Whether a client at an address that sends this text may use the key now."""
        return text.is_of(self.digest) and not self.is_expired and networks.contain(self.networks, address)


_keys: DocumentCache[ApiKey] = DocumentCache(10_000, CACHE_SECONDS)


def get_key(account_id: str, key_id: str) -> ApiKey:
    """Return a key, CACHE_SECONDS old at most; BadIdentifier if there is none, or it was revoked."""
    name = accounts.database_of(account_id).name
    doc_id = store.key_document_id(key_id)

    def read() -> ApiKey:
        return ApiKey.from_document(account_id, store.get(account_id, key_id))

    return _keys.get_or_read(name, doc_id, read)


def invalidate_key(key: ApiKey) -> None:
    """Drop a key from the cache, to read it afresh."""
    document_cache.invalidate(accounts.database_of(key.account_id).name, store.key_document_id(key.id))
