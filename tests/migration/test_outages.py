"""A CouchDB that goes away for a while, at whatever request, changes nothing in what verifying and purging tell."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from couch.errors import Unreachable
from migration.backups.folder import BackupFolder
from migration.backups.source import FolderSource
from migration.couchdb_source import served_source
from migration.progress import Progress, Row, Tally
from migration.purge import purge
from migration.sources import Source
from migration.survey import RunOptions
from migration.verify import verify
from tests.support.cutting import CuttingProxy, through
from tests.support.kazoo3 import MAY_2016, AccountMaker, Kazoo3Account, dump_account, migrate_kazoo3, speech

Operation = Callable[[Source, RunOptions, Progress], Tally]

# Ids that every account of these tests has, so that what is told of them can be compared.
BOXES = [f"{number:032x}" for number in (21, 22)]
MEDIA = [f"{number:032x}" for number in range(200, 209)]
MONTH = 31 * 86_400


def filled(kazoo3: Kazoo3Account) -> Kazoo3Account:
    """Messages of some months in two boxes, one that can't be migrated, one in both boxes, and an orphan."""
    boxes = [kazoo3.add_box(str(3000 + i), _id=one) for i, one in enumerate(BOXES)]
    for index, media_id in enumerate(MEDIA[:8]):
        kazoo3.add_media(speech(media_id), media_id, source_id=BOXES[index % 2])
        boxes[index % 2]["messages"].append(kazoo3.make_entry(media_id, timestamp=MAY_2016 - (index % 3) * MONTH))
    boxes[1]["messages"] += [dict(boxes[0]["messages"][0]), {}]
    kazoo3.add_media(speech("orphan"), MEDIA[8], source_id=BOXES[0])
    return kazoo3


def told(operation: Operation, source: Source, account_id: str, proxy: CuttingProxy) -> tuple[Counter[Any], int]:
    """What is told of each message while CouchDB is where the proxy is; how often it had to be waited for."""
    rows: list[Row] = []
    waits: list[bool] = []

    def changed(tally: Tally) -> None:
        if tally.is_waiting and proxy.is_gone.is_set():
            waits.append(True)
            proxy.restore()

    with proxy, through(proxy):
        tally = operation(source, RunOptions(accounts=(account_id,), workers=2), Progress(changed, rows.append))
    assert tally.problems == []
    assert (tally.phase, tally.accounts_done, tally.messages_done) == ("done", 1, tally.messages_total)
    return Counter((row.box_id, row.media_id, row.message_id, row.outcome, row.reason) for row in rows), len(waits)


@pytest.fixture
def backup(kazoo3: Kazoo3Account, tmp_path: Path) -> FolderSource:
    """The account as a backup has it."""
    folder = tmp_path / "backup"
    folder.mkdir()
    (folder / f"{kazoo3.id}.jsonl").write_text(
        "".join(json.dumps(doc) + "\n" for doc in filled(kazoo3).docs.values())
    )
    return FolderSource(BackupFolder(folder))


@pytest.mark.parametrize("swallow", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("place", "step"), [("in place", 2), ("backup", 6)])
def test_verifying_waits_for_couchdb_at_any_request(
    kazoo3: Kazoo3Account, backup: FolderSource, place: str, step: int, swallow: bool
) -> None:
    kazoo3.store()
    migrate_kazoo3("--account", kazoo3.id)
    source: Source = served_source() if place == "in place" else backup
    counting = CuttingProxy(settings.COUCHDB_URL)
    expected, _ = told(verify, source, kazoo3.id, counting)
    outcomes = Counter(outcome for *_, outcome, _ in expected.elements())
    assert outcomes["verified"] == 9
    assert outcomes["marked"] == 1
    assert counting.requests > 7
    for limit in range(int(swallow), counting.requests, step):
        proxy = CuttingProxy(settings.COUCHDB_URL, limit, swallow=swallow)
        source = served_source() if place == "in place" else backup
        found, waits = told(verify, source, kazoo3.id, proxy)
        assert (found, waits) == (expected, 1), f"away at request {limit} of {counting.requests}"


@pytest.mark.parametrize("swallow", [False, True], ids=["before", "after"])
def test_purging_waits_for_couchdb_at_any_request(new_kazoo3_account: AccountMaker, swallow: bool) -> None:
    def purge_with_outage(limit: int | None) -> tuple[Counter[Any], int, dict[str, Any], int]:
        kazoo3 = filled(new_kazoo3_account()).store()
        migrate_kazoo3("--account", kazoo3.id)
        proxy = CuttingProxy(settings.COUCHDB_URL, limit, swallow=swallow)
        found, waits = told(purge, served_source(), kazoo3.id, proxy)
        return found, waits, dump_account(kazoo3.id), proxy.requests

    expected, _, stored, requests = purge_with_outage(None)
    assert Counter(outcome for *_, outcome, _ in expected.elements()) == {"purged": 8}
    assert [one for one in MEDIA if f"ACCOUNT {one}" in stored] == [MEDIA[8]]
    for limit in range(int(swallow), requests, 3):
        assert purge_with_outage(limit)[:3] == (expected, 1, stored), f"away at request {limit} of {requests}"


@pytest.mark.parametrize("operation", [verify, purge])
def test_a_couchdb_that_stays_away_ends_it(kazoo3: Kazoo3Account, operation: Operation) -> None:
    migrate_kazoo3("--account", filled(kazoo3).store().id)
    with CuttingProxy(settings.COUCHDB_URL, 9) as proxy, through(proxy), pytest.raises(Unreachable):
        operation(served_source(), RunOptions(accounts=(kazoo3.id,), patience=0), Progress())
