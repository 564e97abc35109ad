"""Message waiting indication, the lamps of telephones: who has one, and how many messages it tells of.

The number of a mailbox has a lamp, and so has each enabled device of the mailbox's owner that signs in with a
password, unless it says that it wants none.
"""

from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Any, NamedTuple

from cachetools import TTLCache

from accounts import account_index, accounts
from couch.database import Document
from events.amqp.publications import PRESENCE, Publication, key_part, publication
from storage import document_types, private_fields, values, view_names
from voicemail.mailboxes import listing
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import counts
from voicemail.messages.folders import NEW, SAVED

_CATEGORY = "presence"
_cache: TTLCache[tuple[str, str], dict[tuple[str, str], tuple[str, Document]]] = TTLCache(maxsize=1_000, ttl=15)
_cache_lock = Lock()


class Lamp(NamedTuple):
    """A lamp by its address, ``user@realm``, and the numbers of messages that it tells of."""

    user: str
    realm: str
    new: int
    saved: int
    is_device: bool

    def publications(self) -> Iterator[Publication]:
        """Yield what the broker is told: the lamp, and for a device also the lamp that it didn't ask for."""
        yield self.update()
        if self.is_device:
            key = f"mwi_unsolicited_updates.{key_part(self.realm)}"
            yield publication(PRESENCE, key, _CATEGORY, "mwi_unsolicited_update", self.payload())

    def update(self, call_id: str | None = None) -> Publication:
        """Return the lamp, as an answer with the Call-ID of the question if that has one."""
        key = f"mwi_updates.{key_part(self.realm)}.{key_part(self.user)}"
        call = {} if call_id is None else {"Call-ID": call_id}
        return publication(PRESENCE, key, _CATEGORY, "mwi_update", {**self.payload(), **call})

    def payload(self) -> dict[str, Any]:
        """Return the members of the payload."""
        address = f"{self.user}@{self.realm}"
        return {
            "To": address,
            "To-User": self.user,
            "To-Realm": self.realm,
            "Messages-New": self.new,
            "Messages-Saved": self.saved,
            "Messages-Urgent": 0,
            "Messages-Urgent-Saved": 0,
            "Messages-Waiting": "yes" if self.new else "no",
            "Message-Account": f"sip:{address}",
            "Presence-ID": address,
        }


def lamps_of_boxes(account_id: str, box_ids: Iterable[str]) -> list[Lamp]:
    """Return the lamps of mailboxes and of their owners' devices, with the counts of messages as they are now."""
    database = accounts.database_of(account_id)
    account = database.get(account_id)
    if not accounts.is_live(account):
        return []
    realm = str(account.get("realm") or "")
    docs = database.fetch([*dict.fromkeys(box_ids)])
    boxes = [doc for doc in docs.values() if doc.get("pvt_type") == mailbox_store.TYPE]
    lamps = [*_box_lamps(account_id, boxes, realm)]
    owner_ids = dict.fromkeys(
        owner_id for box in boxes if isinstance(owner_id := box.get("owner_id"), str) and owner_id
    )
    for owner_id, devices in _devices(account_id, owner_ids).items():
        lamps += _device_lamps(account_id, owner_id, devices, realm)
    return lamps


def lamps_asked_for(realm: str, username: str) -> list[Lamp]:
    """Return the lamps with an address, ``username@realm``: those of mailboxes and devices with that name."""
    lamps: list[Lamp] = []
    for account_id in account_index.ids_with_realm(realm):
        database = accounts.database_of(account_id)
        rows = database.view(*view_names.MAILBOXES_BY_NUMBER, key=username, include_docs=True)
        boxes = [row["doc"] for row in rows if mailbox_store.is_live(row.get("doc"))]
        lamps += _box_lamps(account_id, boxes, realm, username)
        if not boxes:
            lamps += _lamps_of_device(account_id, username, realm)
    return lamps


def _box_lamps(account_id: str, boxes: Iterable[Document], realm: str, number: str | None = None) -> Iterator[Lamp]:
    by_id = {box["_id"]: box for box in boxes}
    folder_counts = counts.per_folder(account_id, by_id, only=(NEW, SAVED))
    for box_id, box in by_id.items():
        new, saved = _numbers_of_messages(box, folder_counts[box_id])
        users = [number] if number is not None else [mailbox_store.number(box)]
        for user in users:
            if user:
                yield Lamp(user, realm, new, saved, False)


def _numbers_of_messages(box: Mapping[str, Any], folders: Mapping[str, int]) -> tuple[int, int]:
    """Return how many new and saved messages a mailbox has, those in 3.x's format included."""
    legacy = box.get("messages")
    entries = [entry for entry in legacy if isinstance(entry, dict)] if isinstance(legacy, list) else []
    legacy_folders = [entry.get("folder") or NEW for entry in entries]
    return folders.get(NEW, 0) + legacy_folders.count(NEW), folders.get(SAVED, 0) + legacy_folders.count(SAVED)


def _device_lamps(account_id: str, owner_id: str, devices: Iterable[Document], realm: str) -> Iterator[Lamp]:
    """Yield the lamps of devices of an owner, which tell of the messages in all of the owner's mailboxes."""
    addresses = [address for device in devices if (address := _address(device, realm)) is not None]
    if not addresses:
        return
    boxes = {box["_id"]: box for box in listing.find_owned(account_id, owner_id)}
    folder_counts = counts.per_folder(account_id, boxes, only=(NEW, SAVED))
    pairs = [_numbers_of_messages(box, folder_counts[box_id]) for box_id, box in boxes.items()]
    new, saved = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    for user, host in addresses:
        yield Lamp(user, host, new, saved, True)


def _lamps_of_device(account_id: str, username: str, realm: str) -> Iterator[Lamp]:
    """Yield the lamp of the device that signs in by a name."""
    owner = _devices_by_address(account_id, realm).get((username, realm))
    if owner is not None:
        owner_id, device = owner
        yield from _device_lamps(account_id, owner_id, [device], realm)


def _devices_by_address(account_id: str, realm: str) -> dict[tuple[str, str], tuple[str, Document]]:
    """Return the devices of those who own mailboxes, with their owners, by the addresses of their lamps.

    They are cached for some seconds, since all telephones of an account may ask at once.
    """
    with _cache_lock:
        cached = _cache.get((account_id, realm))
    if cached is None:
        cached = {}
        for owner_id, devices in _devices(account_id, _ids_of_owners(account_id)).items():
            cached |= {key: (owner_id, device) for device in devices if (key := _address(device, realm)) is not None}
        with _cache_lock:
            _cache[account_id, realm] = cached
    return cached


def _ids_of_owners(account_id: str) -> list[str]:
    rows = accounts.database_of(account_id).view(*view_names.MAILBOXES_BY_NAME)
    return list(dict.fromkeys(owner_id for row in rows if isinstance(owner_id := row["value"].get("owner_id"), str)))


def _devices(account_id: str, owner_ids: Iterable[str]) -> dict[str, list[Document]]:
    """Return the devices of owners, in one request."""
    ids = list(owner_ids)
    queries = [{"key": [owner_id, document_types.DEVICE], "include_docs": True} for owner_id in ids]
    results = accounts.database_of(account_id).view_all(*view_names.DOCUMENTS_BY_OWNER, queries)
    return {
        owner_id: [row["doc"] for row in rows if private_fields.is_live(row.get("doc"), document_types.DEVICE)]
        for owner_id, rows in zip(ids, results, strict=True)
    }


def _address(device: Mapping[str, Any], account_realm: str) -> tuple[str, str] | None:
    """Return the user and realm of a device's lamp; None if it has none."""
    sip = device.get("sip")
    settings = sip if isinstance(sip, dict) else {}
    user = values.as_text(settings.get("username"))
    is_wanted = not values.is_false(device.get("enabled")) and not values.is_false(
        device.get("mwi_unsolicited_updates")
    )
    if user is None or not is_wanted or settings.get("method", "password") != "password":
        return None
    realm = settings.get("realm")
    return user, realm if isinstance(realm, str) and realm else account_realm
