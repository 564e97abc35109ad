"""The desk's list of messages: its pages, its rows, and the runs that it starts."""

import re
from html import unescape
from typing import Any

import requests

from desk.messages.run_job import do_run
from tests.support.api_client import Account
from tests.support.operators import Desk
from tests.support.servers import Service

_ROW = re.compile(r'name="selected" value="([^"]+)"')


def path_of_list(account: Account, box: dict[str, Any] | None = None, query: str = "") -> str:
    """The path of the list of an account's messages, or of a mailbox's."""
    return f"desk/message/?account={account.id}" + (f"&box={box['id']}" if box else "") + query


def row_ids(page: str) -> list[str]:
    """The ids of the rows of a page that can be selected."""
    return _ROW.findall(page)


def link(page: str, text: str) -> str:
    """The query string of the link of a page with a text, perhaps after a quotation mark; empty if there is none."""
    match = re.search(rf'<a href="(\?[^"]*)"[^>]*>(?:&\w+; )?{text}', page)
    return unescape(match[1]) if match else ""


def start_run(desk: Desk, path: str, **fields: Any) -> str:
    """Send an action of the list that a worker is to do; the path of its page below /admin/."""
    response = desk.post(path, **fields)
    match = re.search(r"/admin/(desk/message/\w+/runs/\d+/)", response.url)
    assert match, response.text
    return match[1]


def work(service: Service, path: str) -> None:
    """Do the job of a run in this process."""
    with service.models():
        do_run.call(int(path.rstrip("/").rpartition("/")[2]))


def result_of(desk: Desk, service: Service, path: str) -> str:
    """The page of a run after its job was done, as text without tags."""
    work(service, path)
    return text_of(desk.get(path))


def text_of(response: requests.Response) -> str:
    """The text of a page, with single blanks."""
    return " ".join(unescape(re.sub("<[^>]+>", " ", response.text)).split())
