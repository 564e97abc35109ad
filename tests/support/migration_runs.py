"""The desk's pages of migrations, as tests use them: runs are started, watched and waited for."""

import re
from typing import Any

import requests

from couch.client import couch
from storage import database_names
from tests.support import old_messages
from tests.support.api_client import Account
from tests.support.operators import Desk
from tests.support.servers import wait_until

PAGES = "migration/migrationrun/"
RUN = re.compile(r"/migrationrun/run/(\d+)/")
MONTH = "201605"


def start_run(desk: Desk, account: Account, operation: str, **fields: str) -> int:
    """Start a run from the account's page, and return its id."""
    response = post_from(desk, f"{PAGES}{account.id}/", f"{account.id}/start/", operation=operation, **fields)
    match = RUN.search(response.url)
    assert match, response.text
    return int(match[1])


def post_from(desk: Desk, page: str, path: str, **fields: str) -> requests.Response:
    """Post fields to a path, with the CSRF token of a page."""
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', desk.get(page).text)
    assert token
    return desk.session.post(
        f"{desk.url}/admin/{PAGES}{path}",
        data={"csrfmiddlewaretoken": token[1], **fields},
        headers={"Referer": f"{desk.url}/admin/{page}"},
        timeout=60,
    )


def get_progress(desk: Desk, run_id: int) -> dict[str, Any]:
    """The progress of a run."""
    response = desk.get(f"{PAGES}run/{run_id}/progress/")
    assert response.status_code == 200
    progress: dict[str, Any] = response.json()
    return progress


def wait_for_end(desk: Desk, run_id: int) -> dict[str, Any]:
    """Wait until a run ends, and return its progress."""
    wait_until(lambda: not get_progress(desk, run_id)["is_active"])
    return get_progress(desk, run_id)


def add_old_messages(account: Account, box: dict[str, Any], number: int) -> list[str]:
    """Add messages in the format of 3.x to a mailbox, and return their media ids."""
    return old_messages.add(account, box["id"], [old_messages.make_entry() for _ in range(number)])


def migrated_ids(account: Account) -> set[str]:
    """The ids of all messages in the old messages' month."""
    modb = couch().database(database_names.modb(account.id, MONTH))
    return {row["id"] for row in modb.all_docs() if not row["id"].startswith("_design/")}
