"""Starting and ending the two servers as processes of their own, the way they run in earnest."""

import errno
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest.mock import patch

import requests
from django.db import connections
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

PROJECT = Path(__file__).parents[2]
SECRET_KEY = "b3f1d6a09c7e4825-tests-only-5d8e2f7a1c604b93"
ADMIN = "admin:secret"


@dataclass
class Running:
    """A server process, where it answers, and the file its output goes to."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def stop(self) -> int:
        """End it as an operator would; its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        """End it, and the processes it started, without warning."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=30)

    def logged(self) -> str:
        """All it has written so far."""
        return self.log.read_text(errors="replace")


def start_couchdb(data: Path, port: int = 0) -> Running:
    """The embedded CouchDB on a data directory; its url holds the credentials."""
    log, port_file = data.with_suffix(".log"), data.with_suffix(".port")
    port_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "embedded_couchdb", "--port", str(port), "--data", str(data)]
    process = spawn([*command, "--admin", ADMIN, "--port-file", str(port_file)], log)
    wait_until(lambda: port_file.exists() or process.poll() is not None)
    assert process.poll() is None, log.read_text()
    return Running(process, f"http://{ADMIN}@127.0.0.1:{port_file.read_text()}", log)


def start_redis(folder: Path, port: int = 0) -> Running:
    """A Redis, or its fork Valkey, that keeps nothing on disk; its url is what RATE_LIMIT_STORAGE takes."""
    program = os.environ.get("REDIS_SERVER") or shutil.which("redis-server") or shutil.which("valkey-server")
    assert program, "no redis-server or valkey-server here: scripts/redis installs one"
    number = port or free_port()
    command = [program, "--port", str(number), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = spawn(command, folder / "redis.log")
    wait_until(lambda: process.poll() is not None or _accepts_connections(number))
    assert process.poll() is None, (folder / "redis.log").read_text()
    return Running(process, f"redis://127.0.0.1:{number}", folder / "redis.log")


@dataclass
class Service:
    """What it takes to start the service.

    These are: the CouchDB it serves from, a folder for its log, its tables (a SQLite file), and its settings.
    """

    couchdb_url: str
    folder: Path
    tables: Path
    settings: dict[str, str] = field(default_factory=dict)

    def with_settings(self, folder: Path, **settings: str) -> "Service":
        """The same service with other settings on top of its own, and another folder."""
        return replace(self, folder=folder, settings={**self.settings, **settings})

    def environment(self) -> dict[str, str]:
        """The environment its processes run in."""
        return {
            **os.environ,
            "COUCHDB_URL": self.couchdb_url,
            "DATABASE_URL": f"sqlite:///{self.tables}",
            "AUDIT_SPOOL": str(self.tables.with_suffix(".audit")),
            "SECRET_KEY": SECRET_KEY,
            "DEBUG": "0",
            "OVERVIEW_SECONDS": "0",  # else each test's worker would look at the accounts of all tests
            "WEB_CONCURRENCY": "2",
            "THREADS": "32",
            **self.settings,
        }

    @contextmanager
    def models(self) -> Iterator[None]:
        """Let the Django models of this process use the service's tables.

        Where a test before used the browser, Playwright's event loop runs: models refuse to work there by default.
        """
        with patch.dict(os.environ, DJANGO_ALLOW_ASYNC_UNSAFE="1"):
            connection = connections["default"]
            connection.close()
            connection.settings_dict["NAME"] = str(self.tables)
            try:
                yield
            finally:
                connection.close()

    def manage(self, *arguments: str) -> str:
        """What a management command prints, in a process of its own."""
        command = [sys.executable, "manage.py", *arguments]
        ended = subprocess.run(command, cwd=PROJECT, env=self.environment(), capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def start(self, port: int = 0) -> Running:
        """Run it under gunicorn, and wait until it answers."""
        with _listening(port) as listening:
            # gunicorn inherits the listening socket, so nobody can take the port meanwhile.
            number, handed_over = listening.getsockname()[1], listening.fileno()
            command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.conf.py", "-b", f"fd://{handed_over}"]
            process = spawn(command, self.folder / "gunicorn.log", self.environment(), keep=handed_over)
        running = Running(process, f"http://127.0.0.1:{number}", self.folder / "gunicorn.log")
        # The request waits in the socket's queue until a worker takes it, or is reset when the process ends.
        assert answers(f"{running.url}/health/live"), running.logged()
        return running


def answers(url: str) -> bool:
    """Whether a GET of the address is answered with success."""
    try:
        return direct().get(url, timeout=60).ok
    except requests.RequestException:
        return False


def direct() -> requests.Session:
    """A client that uses no proxy, whatever the environment says."""
    session = requests.Session()
    session.trust_env = False
    # A connection left idle may be closed by the server just as the next request is sent: what only reads
    # goes out again then, as any client does it.
    again = Retry(total=2, connect=0, allowed_methods=("GET", "HEAD"), respect_retry_after_header=False)
    session.mount("http://", HTTPAdapter(max_retries=again))
    return session


def children(pid: int) -> list[int]:
    """The processes that a process started, by whichever of its threads."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


def free_port() -> int:
    """A port that nobody listens on, for a server that can't inherit a socket.

    It is none that the system hands out: nobody else gets it before the server is there.
    """
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def wait_until(happened: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that is sure to happen; what takes long is looked at less often."""
    start = time.monotonic()
    while not happened():
        elapsed = time.monotonic() - start
        assert elapsed < seconds, "waited in vain"
        time.sleep(min(max(0.02, elapsed / 20), 0.25))


def _accepts_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def _listening(port: int) -> socket.socket:
    """A socket that listens, as soon as the last of the processes that had the port is gone."""
    found: list[socket.socket] = []

    def try_it() -> bool:
        try:
            found.append(socket.create_server(("127.0.0.1", port)))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        return bool(found)

    wait_until(try_it)
    return found[0]


def spawn(
    command: list[str],
    log: Path,
    environment: Mapping[str, str] | None = None,
    keep: int | None = None,
    folder: Path = PROJECT,
) -> subprocess.Popen[bytes]:
    """A process in a group of its own, so that it can be killed together with its children."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if keep is None else (keep,),
        )
