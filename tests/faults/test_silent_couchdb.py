"""A CouchDB that takes connections and says nothing: whoever doesn't need it is answered all the same."""

import contextlib
import html
import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from pytest_django import DjangoDbBlocker

from tests.faults.test_signing_in_without_couchdb import GOOD
from tests.support.api_client import Api
from tests.support.operators import Desk, new_operator
from tests.support.servers import Running, Service, direct, start_couchdb

THREADS = 8
CLIENTS = 48


@pytest.fixture(scope="module")
def own_couchdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A CouchDB that no other module uses."""
    running = start_couchdb(tmp_path_factory.mktemp("silent") / "couchdb")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def own_service(own_couchdb: Running, new_service: Callable[..., Service]) -> Service:
    """A service on that CouchDB, with one worker of few threads."""
    return new_service(own_couchdb.url, WEB_CONCURRENCY="1", THREADS=str(THREADS), COUCHDB_READ_TIMEOUT="60")


@pytest.fixture(scope="module")
def api(own_service: Service) -> Iterator[Api]:
    """A client of that service, which runs."""
    made = json.loads(own_service.manage("create_account", "Away", "away.example.com", "admin", "secret word"))
    server = own_service.start()
    anybody = Api(server.url, made["account_id"])
    yield replace(anybody, token=anybody.put("/v2/user_auth", GOOD).json()["auth_token"])
    server.stop()


@pytest.fixture
def desk(api: Api, own_service: Service, django_db_blocker: DjangoDbBlocker) -> Desk:
    """An operator of that service."""
    django_db_blocker.unblock()
    return new_operator(api.url, own_service, (), ())


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


def test_the_desk_says_so_and_sends_a_form_again(own_couchdb: Running, api: Api, desk: Desk) -> None:
    path = f"desk/account/{api.account_id}/change/"
    form = desk.get(path)
    with silence(own_couchdb):
        assert "doesn't answer" in html.unescape(desk.get("").text)
        assert "doesn't answer" in desk.get("desk/account/health/").text
        page = desk.get("desk/account/")
        assert page.status_code == 503
        assert "Try again</a>" in page.text
        failure = desk.fill_in(path, form, name='Away & "back"')
        assert failure.status_code == 503
    assert desk.fill_in(path, failure).ok
    assert api.get("").json()["data"]["name"] == 'Away & "back"'
