"""A CouchDB that takes connections and says nothing: whoever doesn't need it is answered all the same."""

import contextlib
import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.test_signing_in_without_couchdb import GOOD
from tests.support.api_client import Api
from tests.support.servers import Running, Service, direct, start_couchdb

THREADS = 8
CLIENTS = 48


@pytest.fixture
def own_couchdb(tmp_path: Path) -> Iterator[Running]:
    running = start_couchdb(tmp_path / "couchdb")
    yield running
    running.stop()


@pytest.fixture
def api(own_couchdb: Running, new_service: Callable[..., Service]) -> Iterator[Api]:
    """A client of a service with one worker of few threads, and with a CouchDB of its own."""
    service = new_service(own_couchdb.url, WEB_CONCURRENCY="1", THREADS=str(THREADS), COUCHDB_READ_TIMEOUT="60")
    made = json.loads(service.manage("create_account", "Away", "away.example.com", "admin", "secret word"))
    server = service.start()
    anybody = Api(server.url, made["account_id"])
    yield replace(anybody, token=anybody.put("/v2/user_auth", GOOD).json()["auth_token"])
    server.stop()


@contextlib.contextmanager
def silence(couchdb: Running) -> Iterator[None]:
    """Within, CouchDB does nothing."""
    os.killpg(couchdb.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(couchdb.process.pid, signal.SIGCONT)


def test_health_is_answered_while_all_other_requests_wait(own_couchdb: Running, api: Api) -> None:
    def read(_: int) -> tuple[int, bool]:
        answer = replace(api, session=direct()).get("")
        return answer.status_code, "Retry-After" in answer.headers

    with ThreadPoolExecutor(CLIENTS) as pool:
        with silence(own_couchdb):
            reading = [pool.submit(read, number) for number in range(CLIENTS)]
            for _ in range(3):
                assert replace(api, session=direct()).get("/health/live").status_code == 200
                assert replace(api, session=direct()).get("/health/ready").status_code == 503
            assert sum(not future.done() for future in reading) >= THREADS - 2
        answers = [future.result(60) for future in reading]
    # Those that waited were answered in the end, and the others told when to come again.
    assert set(answers) <= {(200, False), (503, True)}
    assert answers.count((200, False)) >= THREADS - 2
    assert api.get("/health/ready").status_code == 200
    assert api.get("vmboxes").status_code == 200
