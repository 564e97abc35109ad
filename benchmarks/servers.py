"""The servers to measure: the service under gunicorn with its own configuration, and a CouchDB."""

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

from benchmarks.client import Address, BenchmarkError

PROJECT = Path(__file__).parents[1]
_START_TIMEOUT = 60  # seconds for a server to start


@contextlib.contextmanager
def couchdb(folder: Path) -> Iterator[str]:
    """Yield the URL, with credentials, of the CouchDB in COUCHDB_URL, or of an embedded one for this run."""
    configured_url = os.environ.get("COUCHDB_URL", "").strip()
    if configured_url:
        yield configured_url.rstrip("/")
        return
    admin, port_file = f"admin:{secrets.token_hex(16)}", folder / "couchdb.port"
    options = ["--port", "0", "--data", str(folder / "couchdb"), "--port-file", str(port_file)]
    environment = {**os.environ, "EMBEDDED_COUCHDB_ADMIN": admin}
    with running(folder / "couchdb.log", environment, "embedded_couchdb", *options) as process:
        wait_until_ready(process, folder / "couchdb.log", port_file.exists)
        yield f"http://{admin}@127.0.0.1:{port_file.read_text()}"


@contextlib.contextmanager
def service(folder: Path) -> Iterator["Service"]:
    """Run the service with this process's environment and its production configuration."""
    log = folder / "gunicorn.log"
    port = _free_port()
    arguments = ("-c", "config/gunicorn.conf.py", "-b", f"127.0.0.1:{port}")
    with running(log, dict(os.environ), "gunicorn", *arguments) as process:
        wait_until_ready(process, log, lambda: _answers(f"http://127.0.0.1:{port}/health/live"))
        yield Service(f"http://127.0.0.1:{port}", psutil.Process(process.pid), log)


def _authorization_header(url: str) -> str:
    """The Authorization header with the credentials of a CouchDB URL."""
    parts = urlsplit(url)
    credentials = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return f"Authorization: Basic {b64encode(credentials.encode()).decode()}\r\n"


def couchdb_address(url: str) -> Address:
    """The address that the bare requests go to."""
    return Address.of(url, _authorization_header(url))


@dataclass(frozen=True)
class Usage:
    """The workers' CPU seconds since their start, and each one's current and largest memory in bytes."""

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
        """The workers' CPU and memory."""
        workers = self.workers()
        cpu_times = [worker.cpu_times() for worker in workers]
        rss = [worker.memory_info().rss for worker in workers]
        peak = [max(_peak(worker.pid), current) for worker, current in zip(workers, rss, strict=True)]
        return Usage(sum(cpu.user + cpu.system for cpu in cpu_times), rss, peak)

    def reset_peaks(self) -> None:
        """Start measuring the largest memory anew, if the kernel permits."""
        for worker in self.workers():
            with contextlib.suppress(OSError):
                Path(f"/proc/{worker.pid}/clear_refs").write_text("5")


def _peak(pid: int) -> int:
    """The largest resident memory of a process in bytes; 0 if the kernel doesn't record it."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


@contextlib.contextmanager
def running(
    log: Path, environment: dict[str, str], module: str, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, which is stopped at the end. Its own session keeps Ctrl-C away from it."""
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


def wait_until_ready(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> None:
    """Wait until a server is ready. Raises BenchmarkError if it ends, or takes too long."""
    deadline = time.monotonic() + _START_TIMEOUT
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise BenchmarkError(f"{lines[-1] if lines else 'a server ended'} (see {log})")
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
