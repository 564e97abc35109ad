"""Verification and purging wait for a CouchDB that goes away at any request, and report the same as without it."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings

from couch.errors import Unreachable
from migration.couchdb_source import served_source
from migration.progress import Progress, Row, Tally
from migration.purge import purge
from migration.sources import Source
from migration.survey import RunOptions
from migration.verify import verify
from tests.support.cutting import CuttingProxy, through
from tests.support.interrupted_migrations import MONTH_SECONDS, Outage, open_backup
from tests.support.kazoo3 import (
    MAY_2016,
    AccountMaker,
    Document,
    Kazoo3Account,
    dump_account,
    migrate_kazoo3,
    speech,
)

pytestmark = pytest.mark.long

Operation = Callable[[Source, RunOptions, Progress], Tally]

# The same ids in every account, so that their reports can be compared.
BOX_IDS = [f"{number:032x}" for number in (21, 22)]
MEDIA_IDS = [f"{number:032x}" for number in range(200, 208)]
UNCLAIMED_ID = f"{208:032x}"


def fill(kazoo3: Kazoo3Account) -> Kazoo3Account:
    """Add messages of three months in two mailboxes, one that can't be migrated, one in both, and unclaimed audio."""
    boxes = [kazoo3.add_box(str(3000 + i), _id=box_id) for i, box_id in enumerate(BOX_IDS)]
    for index, media_id in enumerate(MEDIA_IDS):
        box = boxes[index % 2]
        kazoo3.add_media(speech(media_id), media_id, source_id=box["_id"])
        box["messages"].append(kazoo3.make_entry(media_id, timestamp=MAY_2016 - (index % 3) * MONTH_SECONDS))
    boxes[1]["messages"] += [dict(boxes[0]["messages"][0]), {}]
    kazoo3.add_media(speech("unclaimed"), UNCLAIMED_ID, source_id=BOX_IDS[0])
    return kazoo3


class Report(NamedTuple):
    """The rows that an operation reported, how often it waited for CouchDB, how many requests it sent, and cuts."""

    rows: Counter[tuple[str | None, ...]]
    waits: int
    requests: int
    cuts: int
    """How often CouchDB went away: 0 where the operation needed fewer requests, as its caches tell."""

    @property
    def outcomes(self) -> Counter[str | None]:
        return Counter(row[3] for row in self.rows.elements())


def run_with_outage(
    operation: Operation, source: Source, account_id: str, limit: int | None = None, *, swallow: bool = False
) -> Report:
    """Run an operation over an account while CouchDB goes away after so many requests."""
    rows: list[Row] = []
    outage = Outage(limit, swallow=swallow)
    with outage.proxy, through(outage.proxy):
        options = RunOptions(accounts=(account_id,), workers=2)
        tally = operation(source, options, Progress(outage.on_change, rows.append))
    assert tally.problems == []
    assert (tally.phase, tally.accounts_done, tally.messages_done) == ("done", 1, tally.messages_total)
    keys: Counter[tuple[str | None, ...]] = Counter(
        (row.box_id, row.media_id, row.message_id, row.outcome, row.reason) for row in rows
    )
    requests = outage.proxy.requests
    return Report(keys, outage.waits, requests, int(limit is not None and requests > limit))


@pytest.mark.parametrize("swallow", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("place", "step"), [("in place", 2), ("backup", 6)])
def test_verification_waits_for_couchdb_at_any_request(
    kazoo3: Kazoo3Account, tmp_path: Path, place: str, step: int, swallow: bool
) -> None:
    backup = open_backup(fill(kazoo3).write_backup(tmp_path / "backup"))
    migrate_kazoo3("--account", kazoo3.store().id)
    expected = run_with_outage(verify, served_source() if place == "in place" else backup, kazoo3.id)
    assert (expected.outcomes["verified"], expected.outcomes["marked"]) == (9, 1)
    assert expected.requests > 7
    for limit in range(int(swallow), expected.requests, step):
        source: Source = served_source() if place == "in place" else backup
        report = run_with_outage(verify, source, kazoo3.id, limit, swallow=swallow)
        assert (report.rows, report.waits) == (expected.rows, report.cuts), f"away at {limit} of {expected.requests}"
        assert report.cuts or limit > expected.requests // 2


@pytest.mark.parametrize("swallow", [False, True], ids=["before", "after"])
def test_purging_waits_for_couchdb_at_any_request(new_kazoo3_account: AccountMaker, swallow: bool) -> None:
    def purge_with_outage(limit: int | None) -> tuple[Report, dict[str, Document]]:
        kazoo3 = fill(new_kazoo3_account()).store()
        migrate_kazoo3("--account", kazoo3.id)
        report = run_with_outage(purge, served_source(), kazoo3.id, limit, swallow=swallow)
        return report, dump_account(kazoo3.id)

    expected, expected_documents = purge_with_outage(None)
    assert expected.outcomes == {"purged": 8}
    remaining = [media_id for media_id in (*MEDIA_IDS, UNCLAIMED_ID) if f"ACCOUNT {media_id}" in expected_documents]
    assert remaining == [UNCLAIMED_ID]
    for limit in range(int(swallow), expected.requests, 3):
        report, documents = purge_with_outage(limit)
        assert (report.rows, report.waits) == (expected.rows, report.cuts), f"away at {limit} of {expected.requests}"
        assert report.cuts or limit > expected.requests // 2
        assert documents == expected_documents


@pytest.mark.parametrize("operation", [verify, purge])
def test_couchdb_that_stays_away_ends_an_operation(kazoo3: Kazoo3Account, operation: Operation) -> None:
    migrate_kazoo3("--account", fill(kazoo3).store().id)
    with CuttingProxy(settings.COUCHDB_URL, 9) as proxy, through(proxy), pytest.raises(Unreachable):
        operation(served_source(), RunOptions(accounts=(kazoo3.id,), patience=0), Progress())
