"""Token buckets in memory that processes share."""

import os
import secrets
import subprocess
import sys

from accounts.auth.buckets import Buckets
from tests.support.servers import PROJECT

SECOND = 1_000_000_000
NOON = 43_200 * SECOND

PROCESSES = """
import os, sys, threading
from accounts.auth.buckets import Buckets

buckets, key = Buckets(), os.urandom(16)
reader, writer = os.pipe()
for _ in range(4):
    if os.fork() == 0:
        granted = []
        ask = lambda: granted.extend(not buckets.take(key, 3000, 1e6) for _ in range(250))
        threads = [threading.Thread(target=ask) for _ in range(4)]
        [thread.start() for thread in threads], [thread.join() for thread in threads]
        os.write(writer, b"%d\\n" % sum(granted))
        os._exit(0)
[os.wait() for _ in range(4)]
print(sum(map(int, os.read(reader, 1000).split())))
"""

DEATHS = """
import os, signal
from accounts.auth.buckets import Buckets

buckets, key = Buckets(), os.urandom(16)
for _ in range(50):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        buckets.take(key, 10**9, 60)
        os.write(writer, b"!")
        while True:
            buckets.take(key, 10**9, 60)
    os.read(reader, 1)
    os.kill(child, signal.SIGKILL)  # most likely while it holds the lock
    os.wait()
    assert buckets.take(key, 10**9, 60) == 0
print("done")
"""


def taken(buckets: Buckets, key: bytes, now: int, size: int = 4, seconds: float = 8) -> int:
    """How many tokens there are to take at a time."""
    count = 0
    while not buckets.take(key, size, seconds, now):
        count += 1
    return count


def printed(script: str) -> str:
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def test_a_full_bucket_holds_its_size_and_says_when_there_is_more() -> None:
    buckets, key = Buckets(), os.urandom(16)
    assert taken(buckets, key, NOON) == 4
    assert buckets.take(key, 4, 8, NOON) == 2
    assert buckets.take(key, 4, 8, NOON + SECOND) == 1
    assert buckets.take(key, 4, 8, NOON + 2 * SECOND) == 0
    assert buckets.take(key, 4, 8, NOON + 2 * SECOND) == 2


def test_it_is_full_again_after_its_span_and_never_more_than_full() -> None:
    buckets, key = Buckets(), os.urandom(16)
    assert taken(buckets, key, NOON) == 4
    assert taken(buckets, key, NOON + 5 * SECOND) == 2
    assert taken(buckets, key, NOON + 1000 * SECOND) == 4


def test_a_bucket_of_one_gives_one_at_a_time() -> None:
    buckets, key = Buckets(), os.urandom(16)
    assert [taken(buckets, key, NOON + second * SECOND, 1, 10) for second in (0, 9, 10, 11)] == [1, 0, 1, 0]


def test_each_key_has_its_own() -> None:
    buckets = Buckets()
    keys = [bytes(4) + os.urandom(12) for _ in range(8)]  # all in one group, which they fill
    assert [taken(buckets, key, NOON) for key in keys] == [4] * 8
    assert [taken(buckets, key, NOON) for key in keys] == [0] * 8


def test_any_number_of_keys_takes_the_same_memory_and_the_busiest_are_kept() -> None:
    buckets, busy = Buckets(), os.urandom(16)
    size = os.fstat(buckets._file.fileno()).st_size
    assert taken(buckets, busy, NOON, 100, 1000) == 100
    for _ in range(60_000):
        assert not buckets.take(secrets.token_bytes(16), 100, 1000, NOON)
    assert os.fstat(buckets._file.fileno()).st_size == size
    assert buckets.take(busy, 100, 1000, NOON) > 0


def test_what_makes_no_sense_heals() -> None:
    buckets, key = Buckets(), os.urandom(16)
    buckets.take(key, 1, 1e9, NOON)
    assert 0 < buckets.take(key, 4, 8, NOON) <= 2
    assert taken(buckets, key, NOON + 1_000_000_000 * SECOND) == 4


def test_processes_and_threads_take_no_token_twice() -> None:
    assert printed(PROCESSES) == "3000"


def test_a_process_that_is_killed_midway_stops_nobody() -> None:
    assert printed(DEATHS) == "done"
