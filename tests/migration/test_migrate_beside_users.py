"""Mailboxes are used while they are migrated, at whatever request of the migration: nothing twice, nothing lost."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from couch.client import Couch
from migration.couchdb_source import served_source
from migration.migrate import migrate as run_migration
from migration.progress import Progress, Tally
from migration.survey import RunOptions
from migration.verify import verify
from storage import gregorian
from tests.support.api_client import Account, Api
from tests.support.cutting import CuttingProxy, through
from tests.support.kazoo3 import Kazoo3, speech

DAY = 86_400


class Used:
    """An account with a full mailbox and one that is going to be deleted, and those who use both."""

    def __init__(self, account: Account, api: Api) -> None:
        self.old, self.api = Kazoo3(account.id), api
        # Of two months, and young enough for users to change.
        self.when = gregorian.now() - 5 * DAY
        del self.old.docs[account.id]
        self.box, self.other = (self.old.box(number, timezone="Europe/Berlin") for number in ("3000", "3001"))
        self.media = [self._message(self.box, index) for index in range(7)]
        self.others = [self._message(self.other, index) for index in range(3)]
        self.late = self.old.media(speech("late"), source_id=self.box["_id"])["_id"]
        # Not through the proxy that the migration is behind.
        self.database = Couch(settings.COUCHDB_URL, connect_timeout=10, read_timeout=60).database(self.old.db.name)
        for saved in self.old.db.put_all(list(self.old.docs.values())):
            assert saved.error is None

    def _message(self, box: dict[str, Any], index: int) -> str:
        entry = self.old.message(box, f"{box['mailbox']} {index}", timestamp=self.when - index % 2 * 31 * DAY)
        return str(entry["media_id"])

    def use(self) -> None:
        """Clients read, change and remove messages by the ids that they know; a Kazoo 3.x leaves another one."""
        api, path = self.api, f"vmboxes/{self.box['_id']}"
        heard, saved, removed, *_ = self.media
        assert api.get(f"{path}/messages/{heard}").json()["data"]["timestamp"] == self.when
        assert api.get(f"{path}/messages/{heard}/raw").content == speech("3000 0")
        assert api.post(f"{path}/messages/{saved}", {"folder": "saved"}).status_code == 200
        assert api.delete(f"{path}/messages/{removed}").status_code == 200
        renamed = api.patch(path, {"name": "Renamed"})
        assert renamed.status_code == 200, renamed.text
        self._arrive()
        assert api.delete(f"vmboxes/{self.other['_id']}").status_code == 200

    def _arrive(self) -> None:
        entry = self.old.entry(self.late, timestamp=self.when)
        self.database.update(self.box["_id"], lambda doc: {**doc, "messages": [*doc.get("messages", []), entry]})

    def check(self) -> None:
        """Everything is there once, and as its users left it."""
        old = self.old
        found = old.messages()
        previous = sorted(doc["pvt_previous_id"] for doc in found.values())
        assert previous == sorted([*self.media, *self.others, self.late])
        by_media = {doc["pvt_previous_id"]: doc for doc in found.values()}
        for index, media_id in enumerate(self.media):
            doc = by_media[media_id]
            is_removed = media_id == self.media[2]
            assert bool(doc.get("pvt_deleted")) is is_removed
            if not is_removed:
                assert old.audio_of(doc, doc["_id"][:6]) == speech(f"3000 {index}")
                assert doc["metadata"]["folder"] == ("saved" if media_id == self.media[1] else "new")
        late = by_media[self.late]
        assert old.audio_of(late, late["_id"][:6]) == speech("late")
        assert [bool(by_media[one].get("pvt_deleted")) for one in self.others] == [True] * 3
        box, other = old.stored_box(self.box), old.stored_box(self.other)
        assert (box["messages"], box["name"]) == ([], "Renamed")
        assert (other["messages"], other["pvt_deleted"]) == ([], True)


@pytest.fixture
def used(new_account: Callable[..., Account], log_in: Callable[..., Api]) -> Callable[[], Used]:
    """Makes accounts with users."""

    def make() -> Used:
        account = new_account()
        return Used(account, log_in(account))

    return make


def migrate(used: Used, meanwhile: Callable[[], None] | None, limit: int | None, *, link: bool = False) -> int:
    """Migrate; just before one of its requests, others use the mailboxes. How many requests it took."""
    options = RunOptions(accounts=(used.old.id,), batch=3, workers=1, link=link)

    def before(number: int) -> None:
        if meanwhile is not None and number == limit:
            meanwhile()

    with CuttingProxy(settings.COUCHDB_URL, before=before) as proxy, through(proxy):
        tally = run_migration(served_source(), options, Progress())
    assert (tally.problems, tally.count("failed")) == ([], 0)
    return proxy.requests


def verified(used: Used) -> Tally:
    tally = verify(served_source(), RunOptions(accounts=(used.old.id,)), Progress())
    assert not [one for one in tally.outcomes if one[0] in ("missing", "extra", "differing")]
    return tally


@pytest.mark.parametrize("link", [False, True], ids=["copied", "linked"])
@pytest.mark.parametrize("part", range(2))
def test_mailboxes_are_used_at_any_request(used: Callable[[], Used], part: int, link: bool) -> None:
    requests = migrate(used(), None, None, link=link)
    assert requests > 20
    for limit in range(6 * part + 2 * int(link) + 1, requests, 12):
        one = used()
        came: list[int] = []

        def meanwhile(one: Used = one, came: list[int] = came) -> None:
            one.use()
            came.append(1)

        migrate(one, meanwhile, limit, link=link)
        assert came, f"users were not served at request {limit} of {requests}"
        migrate(one, None, None)
        one.check()
        verified(one)
