"""The command ``migrate_kazoo3``, killed by kill -9 and run again, migrates everything."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from migration.samples import systems, writers
from tests.support.cutting import CuttingProxy
from tests.support.kazoo3 import MAY_2016, migrate_kazoo3, new_id
from tests.support.servers import PROJECT, SECRET_KEY, Service, wait_until


@pytest.mark.parametrize("limit", [60, 150, 260])
def test_command_continues_after_kill_9(
    service: Service, created_accounts: list[str], tmp_path: Path, limit: int
) -> None:
    plan = systems.Plan(accounts=1, boxes=3, messages=30, until=MAY_2016, dirt=0.2, seed=f"kill {new_id()}")
    (account,) = systems.make_accounts(plan)
    account_id = account.doc["_id"]
    created_accounts.append(account_id)
    writers.write_to_couchdb([account], lambda account: None)
    with CuttingProxy(settings.COUCHDB_URL) as proxy:
        environment = {**service.environment(), "COUCHDB_URL": proxy.url, "SECRET_KEY": SECRET_KEY}
        command = [sys.executable, "manage.py", "migrate_kazoo3", "--account", account_id, "--batch", "10"]
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL)
        wait_until(lambda: proxy.requests >= limit or process.poll() is not None)
        process.kill()
        process.wait()
    migrate_kazoo3("--account", account_id)
    report = tmp_path / "report.json"
    assert migrate_kazoo3("--account", account_id, "--verify", "--report", str(report)).status == 0
    outcomes = json.loads(report.read_text())["summary"]["outcomes"]
    # Messages of a deleted mailbox, which the faults may include, are removed, and so changed.
    assert outcomes["verified"] + outcomes.get("changed", 0) > 60
