"""Killed between any two requests and run again, a migration ends as if it had never been interrupted."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings

from couch.client import couch
from couch.errors import Unreachable
from migration.backups.folder import BackupFolder
from migration.backups.source import FolderSource
from migration.couchdb_source import served_source
from migration.migrate import migrate as run_migration
from migration.outages import PATIENCE_SECONDS
from migration.progress import Progress
from migration.samples import systems, writers
from migration.survey import RunOptions
from storage import database_names
from tests.support.cutting import CuttingProxy, through
from tests.support.kazoo3 import Kazoo3, Maker, dump, migrate, new_id, speech
from tests.support.servers import PROJECT, SECRET_KEY, Service, wait_until

# Ids that every account of these tests has, so that their databases can be compared.
BOXES = [f"{number:032x}" for number in (11, 12, 13)]
MEDIA = [f"{number:032x}" for number in range(100, 112)]


def dirty(old: Kazoo3) -> Kazoo3:
    """Boxes with clean and dirty entries over some months; the same in each account."""
    first, second, gone = (old.box(str(3000 + i), _id=one) for i, one in enumerate(BOXES))
    gone["pvt_deleted"] = True
    second["notify_email_address"] = "a@example.com"
    month = 31 * 86_400
    for index, media_id in enumerate(MEDIA):
        box = (first, first, second, gone)[index % 4]
        old.media(speech(media_id), media_id, source_id=box["_id"])
        box["messages"].append(old.entry(media_id, timestamp=63_630_058_722 - (index % 3) * month))
    second["messages"].append(dict(first["messages"][0]))
    first["messages"] += [{}, {}, old.entry("f" * 32), dict(first["messages"][1])]
    return old


def cut(proxy: CuttingProxy, work: Callable[[Progress], Any]) -> None:
    """Run something through the proxy, without patience: what it asks after the cut does not arrive."""
    with proxy, through(proxy), suppress(Unreachable):
        work(Progress())


def in_place(account_id: str, *, link: bool = False, patience: float = PATIENCE_SECONDS) -> Callable[[Progress], Any]:
    options = RunOptions(accounts=(account_id,), workers=2, batch=3, link=link, patience=patience)
    return lambda watch: run_migration(served_source(), options, watch)


@pytest.fixture(scope="module")
def uninterrupted(couchdb: str, created_accounts: list[str]) -> tuple[dict[str, Any], int]:
    """What is stored after a run that nobody interrupts, and how many requests that takes."""
    old = dirty(Kazoo3()).store()
    created_accounts.append(old.id)
    with CuttingProxy(settings.COUCHDB_URL) as proxy, through(proxy):
        in_place(old.id)(Progress())
    return dump(old.id), proxy.requests


@pytest.mark.parametrize("swallow", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("part", range(4))
def test_a_kill_at_any_request_is_made_good_by_the_next_run(
    old_account: Maker, uninterrupted: tuple[dict[str, Any], int], part: int, swallow: bool
) -> None:
    expected, requests = uninterrupted
    assert requests > 40
    for limit in range(7 * part, requests, 29):
        old = dirty(old_account()).store()
        cut(CuttingProxy(settings.COUCHDB_URL, limit, swallow=swallow), in_place(old.id, patience=0))
        in_place(old.id)(Progress())
        assert dump(old.id) == expected, f"killed at request {limit} of {requests}"


@pytest.mark.parametrize("limit", [5, 27, 48])
def test_a_kill_while_links_become_audio_is_made_good(
    old_account: Maker, uninterrupted: tuple[dict[str, Any], int], limit: int
) -> None:
    old = dirty(old_account()).store()
    cut(CuttingProxy(settings.COUCHDB_URL, limit), in_place(old.id, link=True, patience=0))
    in_place(old.id, link=True)(Progress())
    assert any("pvt_attachments" in doc for doc in old.messages().values())
    cut(CuttingProxy(settings.COUCHDB_URL, limit, swallow=True), in_place(old.id, patience=0))
    in_place(old.id)(Progress())
    assert dump(old.id) == uninterrupted[0]


def test_a_kill_while_a_backup_is_brought_over_is_made_good(created_accounts: list[str], tmp_path: Path) -> None:
    """The same backup, under several account ids: each is killed at another request."""

    def run(account_id: str, proxy: CuttingProxy | None) -> None:
        folder = tmp_path / account_id
        if not folder.exists():
            created_accounts.append(account_id)
            docs = dirty(Kazoo3(account_id)).docs.values()
            write(folder, account_id, list(docs))
        source = FolderSource(BackupFolder(folder))

        def bring(watch: Progress) -> None:
            run_migration(source, RunOptions(batch=3, workers=2, patience=0), watch)

        if proxy is None:
            bring(Progress())
        else:
            cut(proxy, bring)
        source.close()

    whole = new_id()
    counting = CuttingProxy(settings.COUCHDB_URL)
    run(whole, counting)
    expected = dump(whole)
    assert len(expected) > 15
    for limit in range(3, counting.requests, 23):
        account_id = new_id()
        run(account_id, CuttingProxy(settings.COUCHDB_URL, limit, swallow=bool(limit % 2)))
        run(account_id, None)
        assert dump(account_id) == expected, f"killed at request {limit}"
        assert couch().database(database_names.ACCOUNTS).get(account_id) is not None


def write(folder: Path, account_id: str, docs: list[dict[str, Any]]) -> None:
    """A backup of an account's database, as JSON lines."""
    folder.mkdir()
    path = folder / f"{database_names.encode(database_names.account_db(account_id))}.jsonl"
    path.write_bytes(b"".join(orjson.dumps(doc) + b"\n" for doc in docs))


@pytest.mark.parametrize("limit", [60, 150, 260])
def test_kill_minus_nine_of_the_command_is_made_good(
    service: Service, created_accounts: list[str], limit: int
) -> None:
    plan = systems.Plan(accounts=1, boxes=3, messages=30, until=63_630_058_722, dirt=0.2, seed=f"kill {new_id()}")
    (account,) = systems.make_accounts(plan)
    created_accounts.append(account.doc["_id"])
    writers.write_to_couchdb([account], lambda done: None)
    with CuttingProxy(settings.COUCHDB_URL) as proxy:
        environment = {**service.environment(), "COUCHDB_URL": proxy.url, "SECRET_KEY": SECRET_KEY}
        command = [sys.executable, "manage.py", "migrate_kazoo3", "--account", account.doc["_id"], "--batch", "10"]
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)
        wait_until(lambda: proxy.requests >= limit or process.poll() is not None, 60)
        process.kill()
        process.wait()
    migrate("--account", account.doc["_id"])
    ran = migrate("--account", account.doc["_id"], "--verify")
    assert ran.status == 0
    verified = [line for line in ran.out.splitlines() if line.startswith("verified")]
    assert int(verified[0].split()[1]) > 50


def test_a_couchdb_that_is_away_for_a_while_is_waited_for(
    old_account: Maker, uninterrupted: tuple[dict[str, Any], int]
) -> None:
    expected, requests = uninterrupted
    for limit in (requests // 3, 2 * requests // 3):
        old = dirty(old_account()).store()
        waited: list[bool] = []
        with CuttingProxy(settings.COUCHDB_URL, limit) as proxy, through(proxy):

            def changed(tally: Any, proxy: CuttingProxy = proxy, waited: list[bool] = waited) -> None:
                if tally.is_waiting and not waited:
                    waited.append(True)
                    proxy.restore()

            in_place(old.id)(Progress(changed))
        assert waited
        assert dump(old.id) == expected
