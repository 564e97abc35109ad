"""Mailboxes of Kazoo 3.x that clients of the API, and a node of 3.x, use while they are migrated."""

from collections.abc import Callable
from typing import Any

from django.conf import settings

from couch.client import Couch
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.cutting import CuttingProxy, through
from tests.support.interrupted_migrations import migrate_in_place
from tests.support.kazoo3 import Document, Kazoo3Account, migrate_kazoo3, speech

ROUNDS = 3
_ACTIONS = 5
_REQUESTS_BETWEEN_ROUNDS = 5
_DAY = 86_400


class MailboxesInUse:
    """An account with three mailboxes: one in use, one that messages are moved to, and one to be deleted.

    The mailbox in use has messages for ROUNDS rounds. In each round clients listen to a message, save one, remove
    one, give one other audio, move one, and rename the mailbox; a node of 3.x leaves another message.
    """

    def __init__(self, account: Account, api: Api) -> None:
        self.kazoo3, self._api = Kazoo3Account(account.id), api
        del self.kazoo3.docs[account.id]
        self._now = gregorian.now()
        self._box, self._target, self._deleted = (
            self.kazoo3.add_box(number, timezone="Europe/Berlin") for number in ("3000", "3001", "3002")
        )
        media_ids = [self._add_message(self._box, index) for index in range(ROUNDS * _ACTIONS)]
        self._rounds = [media_ids[number * _ACTIONS :][:_ACTIONS] for number in range(ROUNDS)]
        self._deleted_ids = [self._add_message(self._deleted, index) for index in range(3)]
        self._late_ids = [
            self.kazoo3.add_media(speech(f"late {number}"), source_id=self._box["_id"])["_id"]
            for number in range(ROUNDS)
        ]
        # A node of 3.x has its own connection, not through a proxy that the migration is behind.
        node = Couch(settings.COUCHDB_URL, connect_timeout=10, read_timeout=60)
        self._node_database = node.database(self.kazoo3.database.name)
        for saved in self.kazoo3.database.put_all(list(self.kazoo3.docs.values())):
            assert saved.error is None

    def use(self, number: int) -> None:
        """Do what clients and the node do in a round, from 0 on."""
        listened, saved, removed, replaced, moved = self._rounds[number]
        api, path = self._api, f"vmboxes/{self._box['_id']}"
        answer = api.get(f"{path}/messages/{listened}/raw")
        assert (answer.status_code, answer.content) == (200, speech(listened)), answer.text
        _assert_ok(api.post(f"{path}/messages/{saved}", {"folder": "saved"}))
        _assert_ok(api.delete(f"{path}/messages/{removed}"))
        headers = {"Content-Type": "audio/mpeg"}
        _assert_ok(api.put(f"{path}/messages/{replaced}/raw", speech("other audio"), headers=headers))
        answer = api.post(f"{path}/messages", {"messages": [moved], "source_id": self._target["_id"]})
        assert answer.json()["data"]["failed"] == [], answer.text
        _assert_ok(api.patch(path, {"name": f"Name {number}"}))
        entry = self.kazoo3.make_entry(self._late_ids[number], timestamp=self._now - _DAY)
        self._node_database.update(
            self._box["_id"], lambda box: {**box, "messages": [*box.get("messages", []), entry]}
        )
        if number == ROUNDS - 1:
            _assert_ok(api.delete(f"vmboxes/{self._deleted['_id']}"))

    def migrate(self, first_round_at: int | None = None, *, link: bool = False) -> int:
        """Migrate the account, with the rounds of use before one of its requests and some later ones.

        Rounds for which there are not enough requests come after the migration. Returns the number of requests.
        """
        pending = list(range(ROUNDS)) if first_round_at is not None else []

        def before(request: int) -> None:
            if pending and request == (first_round_at or 0) + pending[0] * _REQUESTS_BETWEEN_ROUNDS:
                self.use(pending.pop(0))

        with CuttingProxy(settings.COUCHDB_URL, before=before) as proxy, through(proxy):
            tally = migrate_in_place(self.kazoo3.id, link=link, workers=1)
        assert (tally.problems, tally.count("failed")) == ([], 0)
        for number in pending:
            self.use(number)
        return proxy.requests

    def check(self) -> None:
        """Assert that every message is there once, as its users left it."""
        messages = self._messages_by_media_id()
        used_ids = [media_id for media_ids in self._rounds for media_id in media_ids]
        assert sorted(messages) == sorted([*used_ids, *self._late_ids, *self._deleted_ids])
        for number, (listened, saved, removed, replaced, moved) in enumerate(self._rounds):
            assert self._read(messages[listened]) == speech(listened)
            assert self._read(messages[saved]) == speech(saved)
            assert messages[saved]["metadata"]["folder"] == "saved"
            assert messages[removed]["pvt_deleted"] is True
            assert self._read(messages[replaced]) == speech("other audio")
            assert messages[moved]["source_id"] == self._target["_id"]
            assert self._read(messages[moved]) == speech(moved)
            assert self._read(messages[self._late_ids[number]]) == speech(f"late {number}")
        assert [messages[media_id].get("pvt_deleted") for media_id in self._deleted_ids] == [True] * 3
        box, deleted = self.kazoo3.stored_box(self._box), self.kazoo3.stored_box(self._deleted)
        assert (box["messages"], box["name"]) == ([], f"Name {ROUNDS - 1}")
        assert (deleted["messages"], deleted["pvt_deleted"]) == ([], True)

    def _add_message(self, box: Document, index: int) -> str:
        """Add a message, of one of three months, and young enough to be changed; its media id."""
        timestamp = self._now - (1 + 35 * (index % 3)) * _DAY
        entry = self.kazoo3.add_message(box, timestamp=timestamp)
        media_id = str(entry["media_id"])
        self.kazoo3.add_media(speech(media_id), media_id, source_id=box["_id"])
        return media_id

    def _messages_by_media_id(self) -> dict[str, Document]:
        """The messages, each once; without the removed originals of moved ones."""
        messages: dict[str, Document] = {}
        for message in self.kazoo3.stored_messages().values():
            if not message.get("pvt_moved_to"):
                assert messages.setdefault(message["pvt_previous_id"], message) is message
        return messages

    def _read(self, message: Document) -> bytes:
        return self.kazoo3.read_audio(message)


def check_use_during_migration(new_mailboxes: Callable[[], MailboxesInUse], *, link: bool, part: int) -> None:
    """Use mailboxes from every ninth request of a migration on, beginning at 3 · `part`; then migrate again."""
    requests = new_mailboxes().migrate(link=link)
    assert requests > 40
    for first in range(1 + 3 * part, requests, 9):
        mailboxes = new_mailboxes()
        # A request that had to be sent again is counted twice: another migration may end some requests earlier.
        assert mailboxes.migrate(first, link=link) >= first or first > requests - 9
        mailboxes.migrate()
        mailboxes.check()
        assert migrate_kazoo3("--account", mailboxes.kazoo3.id, "--verify").status == 0


def _assert_ok(answer: Any) -> None:
    assert answer.ok, answer.text
