"""The servers that are measured: the service under gunicorn as it is configured, and a CouchDB."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil

from benchmarks.client import Address, Failed

PROJECT = Path(__file__).parents[1]
_PATIENCE = 60  # seconds for a server to start


@contextlib.contextmanager
def couchdb(folder: Path) -> Iterator[str]:
    """The URL, with credentials, of the CouchDB that COUCHDB_URL names, else of an embedded one made for this run."""
    named = os.environ.get("COUCHDB_URL", "").strip()
    if named:
        yield named.rstrip("/")
        return
    admin, port_file = f"admin:{secrets.token_hex(16)}", folder / "couchdb.port"
    options = ["--port", "0", "--data", str(folder / "couchdb"), "--port-file", str(port_file)]
    environment = {**os.environ, "EMBEDDED_COUCHDB_ADMIN": admin}
    with _running(folder / "couchdb.log", environment, "embedded_couchdb", *options) as process:
        _wait(process, folder / "couchdb.log", port_file.exists)
        yield f"http://{admin}@127.0.0.1:{port_file.read_text()}"


@contextlib.contextmanager
def service(folder: Path) -> Iterator["Service"]:
    """The service, running with this process's environment and the configuration that it has in earnest."""
    log = folder / "gunicorn.log"
    port = _free_port()
    arguments = ("-c", "config/gunicorn.conf.py", "-b", f"127.0.0.1:{port}")
    with _running(log, dict(os.environ), "gunicorn", *arguments) as process:
        _wait(process, log, lambda: _answers(f"http://127.0.0.1:{port}/health/live"))
        yield Service(f"http://127.0.0.1:{port}", psutil.Process(process.pid), log)


def credentials(url: str) -> str:
    """The header that the credentials in a CouchDB's URL make."""
    parts = urlsplit(url)
    spelled = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return f"Authorization: Basic {b64encode(spelled.encode()).decode()}\r\n"


def bare(url: str) -> Address:
    """A CouchDB as the bare requests reach it."""
    return Address.of(url, credentials(url))


@dataclass(frozen=True)
class Usage:
    """What the workers took: seconds of CPU since they began, memory now and at most, per worker, in bytes."""

    cpu: float
    rss: list[int]
    peak: list[int]


@dataclass
class Service:
    """The running service."""

    url: str
    master: psutil.Process
    log: Path

    def workers(self) -> list[psutil.Process]:
        """Its worker processes."""
        return sorted(self.master.children(), key=lambda process: process.pid)

    def usage(self) -> Usage:
        """What the workers take."""
        workers = self.workers()
        times = [worker.cpu_times() for worker in workers]
        rss = [worker.memory_info().rss for worker in workers]
        peak = [max(_peak(worker.pid), now) for worker, now in zip(workers, rss, strict=True)]
        return Usage(sum(each.user + each.system for each in times), rss, peak)

    def forget_peaks(self) -> None:
        """Count the largest memory anew from now on, where the kernel lets us."""
        for worker in self.workers():
            with contextlib.suppress(OSError):
                Path(f"/proc/{worker.pid}/clear_refs").write_text("5")


def _peak(pid: int) -> int:
    """The most memory that a process had resident, as the kernel noted it; 0 where it doesn't."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


@contextlib.contextmanager
def _running(
    log: Path, environment: dict[str, str], module: str, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a session of its own, so that Ctrl-C reaches only this process, which ends it."""
    guard = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            [*guard, sys.executable, "-m", module, *arguments],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise Failed(f"{lines[-1] if lines else 'a server ended'} (see {log})")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(url, timeout=5):
            return True
    except OSError:
        return False
