"""The circuit breaker: who waits for a silent server, who is refused at once, and what ends that."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from couch.breaker import Breaker
from couch.client import Couch
from couch.errors import CircuitOpen, NotConnected, TimedOut
from couch.parallel import in_parallel
from couch.session import Session
from couch.time_limits import silence_limited_to
from tests.support.scripted_server import ScriptedServer, response, scripted_server
from tests.support.servers import free_port, wait_until

LONG = 60.0
SILENT = b""


class Moody:
    """What a server answers: nothing while it is silent, or to paths that contain "slow"."""

    def __init__(self) -> None:
        self.is_silent = True
        self.may_answer = Event()
        self.may_answer.set()

    def answer(self, request: bytes, number: int) -> bytes:
        if self.is_silent or b"slow" in request:
            return SILENT
        self.may_answer.wait(30)
        return response(b"{}")


@pytest.fixture
def mood() -> Moody:
    return Moody()


@pytest.fixture
def server(mood: Moody) -> Iterator[ScriptedServer]:
    with scripted_server(mood.answer) as running:
        yield running


def session(open_seconds: float = LONG, read_timeout: float = 0.1) -> Session:
    """A session whose breaker opens at the second time-out in a row."""
    new = Session(connect_timeout=2, read_timeout=read_timeout)
    new.breaker = Breaker(timeouts=2, open_seconds=open_seconds)
    return new


def read(session: Session, url: str) -> bytes:
    return session.open(session.prepare("GET", url)).read()


def open_breaker(session: Session, server: ScriptedServer) -> None:
    for _ in range(2):
        with pytest.raises(TimedOut):
            read(session, server.url)
    assert session.breaker.is_open


def test_after_time_outs_in_a_row_requests_are_refused_without_being_sent(server: ScriptedServer) -> None:
    patient = session()
    open_breaker(patient, server)
    number = len(server.requests)
    for _ in range(3):
        with pytest.raises(CircuitOpen) as refusal:
            read(patient, server.url)
        assert 0 < refusal.value.retry_after <= LONG
        with pytest.raises(CircuitOpen):
            patient.request("GET", server.url)
        (pending,) = patient.send_all([patient.prepare("GET", server.url)])
        with pytest.raises(CircuitOpen):
            pending.response()
    assert len(server.requests) == number


def test_silence_to_some_requests_stops_none_while_others_are_answered(server: ScriptedServer, mood: Moody) -> None:
    mood.is_silent = False
    patient = session(read_timeout=0.4)
    with ThreadPoolExecutor(4) as pool:
        for number in range(3):
            slow = [pool.submit(read, patient, f"{server.url}/slow") for _ in range(4)]
            wait_until(lambda number=number: sum(b"slow" in each for each in server.requests) == 4 * (number + 1))  # type: ignore[misc]
            assert read(patient, server.url) == b"{}"
            assert {type(future.exception()) for future in slow} == {TimedOut}
    assert not patient.breaker.is_open


def test_one_request_tries_again_and_its_answer_lets_all_others_through(server: ScriptedServer, mood: Moody) -> None:
    patient = session(read_timeout=30)
    for _ in range(2):
        patient.breaker.record_timeout(patient.breaker.answers)
    patient.breaker.try_now()
    mood.is_silent = False
    mood.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        trial = pool.submit(read, patient, server.url)
        wait_until(lambda: len(server.requests) == 1)
        for _ in range(3):
            with pytest.raises(CircuitOpen):
                read(patient, server.url)
        assert len(server.requests) == 1
        mood.may_answer.set()
        assert trial.result(30) == b"{}"
    assert not patient.breaker.is_open
    assert read(patient, server.url) == b"{}"


def test_a_request_may_try_again_after_a_pause(server: ScriptedServer, mood: Moody) -> None:
    patient = session(open_seconds=0)
    open_breaker(patient, server)
    mood.is_silent = False
    assert read(patient, server.url) == b"{}"
    assert not patient.breaker.is_open


def test_silence_to_the_one_that_tries_again_keeps_the_others_out(server: ScriptedServer) -> None:
    patient = session()
    open_breaker(patient, server)
    patient.breaker.try_now()
    with pytest.raises(TimedOut):
        read(patient, server.url)
    with pytest.raises(CircuitOpen):
        read(patient, server.url)


def test_who_gives_up_early_refuses_nobody(server: ScriptedServer) -> None:
    patient = session(read_timeout=30)
    with silence_limited_to(0.1):
        for _ in range(4):
            with pytest.raises(TimedOut):
                read(patient, server.url)
            with pytest.raises(TimedOut):
                patient.request("GET", server.url)
    assert not patient.breaker.is_open


def test_who_waited_in_vain_once_waits_no_more(server: ScriptedServer) -> None:
    patient = session(read_timeout=30)

    def read_in_vain(_: int) -> None:
        with pytest.raises(TimedOut):
            read(patient, server.url)

    with silence_limited_to(0.1):
        read_in_vain(0)
        in_parallel(read_in_vain, range(3))
    assert len(server.requests) == 1


def test_a_server_that_is_up_again_is_tried_at_once(server: ScriptedServer, mood: Moody) -> None:
    couchdb = Couch(server.url, connect_timeout=2, read_timeout=0.1)
    couchdb.session.breaker = Breaker(timeouts=2, open_seconds=LONG)
    open_breaker(couchdb.session, server)
    with silence_limited_to(0.1):
        assert not couchdb.session.is_answered(couchdb.session.prepare("GET", server.url))
    with pytest.raises(CircuitOpen):
        couchdb.info()
    mood.is_silent = False
    assert couchdb.is_up()
    # It said that it is up: whether it answers anything else, one request finds out.
    assert couchdb.session.breaker.is_open
    assert couchdb.info() == {}
    assert not couchdb.session.breaker.is_open


def test_each_server_has_a_breaker_of_its_own(server: ScriptedServer) -> None:
    silent, other = session(), Couch("http://127.0.0.1:1", connect_timeout=1, read_timeout=1)
    open_breaker(silent, server)
    assert not other.session.breaker.is_open


def test_refused_connections_refuse_nobody_once_somebody_listens() -> None:
    port = free_port()
    patient = session()
    for _ in range(4):
        with pytest.raises(NotConnected):
            read(patient, f"http://127.0.0.1:{port}")
    assert patient.breaker.is_server_away
    with scripted_server(lambda request, number: response(b"{}"), port=port):
        assert read(patient, f"http://127.0.0.1:{port}") == b"{}"
    assert not patient.breaker.is_server_away
