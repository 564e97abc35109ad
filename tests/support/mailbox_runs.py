"""Changes of many mailboxes at the desk: their previews, their jobs, and their results."""

import re

import requests

from desk.mailboxes import storing
from tests.support.api_client import Account
from tests.support.operators import Desk
from tests.support.servers import Service


def upload(desk: Desk, account: Account, content: str | bytes) -> requests.Response:
    """The preview of a file, or the form with an error."""
    body = content.encode() if isinstance(content, str) else content
    return desk.post(f"desk/mailbox/{account.id}/import/", files={"file": ("boxes.csv", body, "text/csv")})


def store(desk: Desk, service: Service, preview: requests.Response) -> str:
    """Have the previewed mailboxes stored, as a worker would; the page with the result."""
    path = path_of(preview)
    desk.send(f"{path}store/")
    work(service, path)
    return desk.get(path).text


def work(service: Service, path: str) -> None:
    """Do the job of a run in this process."""
    with service.models():
        storing.store_mailboxes.call(int(path.rstrip("/").rpartition("/")[2]))


def path_of(preview: requests.Response) -> str:
    """The path of a run's page below /admin/."""
    match = re.search(r"/admin/(desk/mailbox/\w+/runs/\d+/)", preview.url)
    assert match, preview.text
    return match[1]


def lines_of(page: str) -> dict[str, tuple[str, str]]:
    """The result and the text of each line of a run's table, by its number."""
    cells = re.compile(r'<t[hd][^>]*class="[^"]*">(?:<a [^>]*>)?<bdi>(.*?)</bdi>', re.DOTALL)
    rows = re.findall(r"<tr>(.*?)</tr>", page.partition('id="result_list"')[2], re.DOTALL)
    texts = [cells.findall(row) for row in rows]
    return {row[0]: (row[2], row[3]) for row in texts if len(row) == 4}
