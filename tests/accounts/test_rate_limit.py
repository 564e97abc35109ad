"""The request limit as one worker counts it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from accounts.auth.rate_limit import RateLimit, WorkerStorage
from tests.support.servers import wait_until


def allowed(rate_limit: RateLimit, account_id: str, attempts: int = 20) -> int:
    """How many of some requests are not refused."""
    return sum(rate_limit.hit(account_id) == 0 for _ in range(attempts))


def test_an_account_may_make_as_many_requests_as_the_limit_says() -> None:
    rate_limit = RateLimit(5, seconds=1_000)
    assert allowed(rate_limit, "a") == 5
    assert 1 <= rate_limit.hit("a") <= 1_000
    assert allowed(rate_limit, "b") == 5


@pytest.mark.parametrize(("workers", "share"), [(1, 12), (2, 6), (5, 3), (100, 1)])
def test_each_worker_allows_its_share(workers: int, share: int) -> None:
    assert allowed(RateLimit(12, seconds=1_000, workers=workers), "a") == share


def test_requests_are_allowed_again_when_the_window_has_ended() -> None:
    rate_limit = RateLimit(2, seconds=1)
    assert allowed(rate_limit, "a", 3) == 2
    wait_until(lambda: rate_limit.hit("a") == 0)


def test_threads_lose_no_count() -> None:
    rate_limit = RateLimit(3_000, seconds=1_000)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: allowed(rate_limit, "a", 500), range(8))) == 3_000


def test_windows_are_forgotten_when_they_have_ended() -> None:
    storage = WorkerStorage()
    assert [storage.incr("a", 0.01), storage.incr("b", 1_000), storage.incr("b", 1_000)] == [1, 1, 2]
    wait_until(lambda: storage.get("a") == 0)
    assert (storage.incr("a", 1_000), storage.get("b")) == (1, 2)
    assert storage.reset() == 2
