"""The request limit in a Redis: exact over all workers and instances, and no trouble when it is away."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.api_client import Api
from tests.support.servers import Running, Service, start_redis, wait_until

ALLOWED = 6
AWAY = "RATE_LIMIT_STORAGE doesn't answer"
BACK = "RATE_LIMIT_STORAGE answers again"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Redis."""
    running = start_redis(tmp_path_factory.mktemp("redis"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def start_instance(new_service: Callable[..., Service]) -> Iterator[Callable[..., Running]]:
    """Starts instances with few requests allowed, which end with the tests."""
    instances = []

    def start(redis_url: str, **settings: str) -> Running:
        limit = {"REQUEST_LIMIT": str(ALLOWED), "REQUEST_LIMIT_SECONDS": "100000", "RATE_LIMIT_STORAGE": redis_url}
        instances.append(new_service(**limit, **settings).start())
        return instances[-1]

    yield start
    for instance in instances:
        instance.stop()


@pytest.fixture(scope="module")
def instances(start_instance: Callable[..., Running], redis: Running) -> list[Running]:
    """Two instances of three workers each."""
    return [start_instance(redis.url, WEB_CONCURRENCY="3") for _ in range(2)]


def status(api: Api, instance: Running) -> int:
    """The status of a request over a connection of its own."""
    return Api(instance.url, api.account_id, api.token).get("vmboxes").status_code


def test_all_workers_of_all_instances_count_together(api: Api, instances: list[Running]) -> None:
    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda number: status(api, instances[number % 2]), range(4 * ALLOWED)))
    assert sorted(statuses) == [200] * ALLOWED + [429] * 3 * ALLOWED


def test_new_workers_know_what_the_old_ones_counted(api: Api, instances: list[Running]) -> None:
    instance = instances[0]
    assert [status(api, instance) for _ in range(ALLOWED)] == [200] * ALLOWED
    booted, ended = instance.logged().count("Booting worker"), instance.logged().count("Worker exiting")
    instance.process.send_signal(signal.SIGHUP)
    wait_until(lambda: instance.logged().count("Booting worker") == booted + 3)
    wait_until(lambda: instance.logged().count("Worker exiting") == ended + 3)
    assert [status(api, instance) for _ in range(3)] == [429] * 3


def test_a_redis_that_is_away_stops_no_request(
    api: Api, start_instance: Callable[..., Running], tmp_path: Path
) -> None:
    redis = start_redis(tmp_path)
    port = int(redis.url.rpartition(":")[2])
    instance = start_instance(redis.url, WEB_CONCURRENCY="1", THREADS="1")
    assert status(api, instance) == 200
    redis.stop()
    # Counted in the worker meanwhile, with a limit of its own.
    assert [status(api, instance) for _ in range(ALLOWED + 1)] == [200] * ALLOWED + [429]
    assert instance.logged().count(AWAY) == 1
    redis = start_redis(tmp_path, port)
    wait_until(lambda: status(api, instance) == 200)
    assert instance.logged().count(BACK) == 1
    redis.stop()


def test_an_instance_starts_without_its_redis(api: Api, start_instance: Callable[..., Running]) -> None:
    instance = start_instance("redis://127.0.0.1:1", WEB_CONCURRENCY="1")
    assert [status(api, instance) for _ in range(ALLOWED + 1)] == [200] * ALLOWED + [429]
    assert instance.logged().count(AWAY) == 1
