"""An installation as docs/install.md has it, two instances behind HAProxy, that goes from one version to another."""

import csv
import subprocess
import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import requests

from tests.support.haproxy import start_haproxy, tell_haproxy
from tests.support.servers import PROJECT, Running, Service, answers, free_port, spawn, wait_until

HOST = "127.0.0.1"


def extract_version(commit: str, folder: Path) -> Path:
    """The files of a commit, in a folder of their own, as an archive of that version would have them."""
    extract = 'git archive "$1" | tar x -C "$2"'
    ended = subprocess.run(["bash", "-o", "pipefail", "-c", extract, "bash", commit, folder], cwd=PROJECT)
    assert ended.returncode == 0, "only a clone with the whole history has the commit"
    return folder


def client() -> requests.Session:
    """A client that keeps its connection and repeats nothing, and takes the proxy's certificate."""
    session = requests.Session()
    session.trust_env = False
    session.verify = False
    return session


@dataclass
class Installation:
    """What docs/operations.md, Upgrading, speaks of; `program` is the folder that the link leads to."""

    service: Service
    program: Path
    ports: tuple[int, ...] = field(default_factory=lambda: (free_port(), free_port()))
    https: int = field(default_factory=free_port)
    instances: dict[int, Running] = field(default_factory=dict)
    proxy: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The proxy's address."""
        return f"https://{HOST}:{self.https}"

    def environment(self) -> dict[str, str]:
        """The service's environment, without what would let one version find the other's modules."""
        return {name: value for name, value in self.service.environment().items() if name != "PYTHONPATH"}

    def run(self, program: Path, *arguments: str, statuses: tuple[int, ...] = (0,), **settings: str) -> str:
        """What a management command of a version prints."""
        command = [sys.executable, "manage.py", *arguments]
        environment = self.environment() | settings
        ended = subprocess.run(command, cwd=program, env=environment, capture_output=True, text=True)
        assert ended.returncode in statuses, ended.stdout + ended.stderr
        return ended.stdout

    def start(self) -> None:
        """Start all instances, and the proxy with the configuration in deploy/."""
        for port in self.ports:
            self._start_instance(port)
        self._wait_until_ready()
        addresses = {f"VMBOXES_{number}": f"{HOST}:{port}" for number, port in enumerate(self.ports, 1)}
        settings = {"BIND_HTTPS": f"{HOST}:{self.https}", "BIND_HTTP": f"{HOST}:{free_port()}", **addresses}
        self.proxy = start_haproxy("deploy/haproxy.cfg", self.service.folder, settings)
        wait_until(lambda: self._gets_through(client()))

    def switch(self, program: Path) -> None:
        """Let the link lead to another version, and restart one instance after the other.

        Each is taken out of the proxy before: it may send a request just when the instance closes the connection.
        """
        self.program = program
        for number, port in enumerate(self.ports, 1):
            self._set_state(f"vmboxes{number}", "maint")
            wait_until(partial(self._is_idle, f"vmboxes{number}"))
            assert self.instances.pop(port).stop() == 0
            self._start_instance(port)
            self._wait_until_ready()
            self._set_state(f"vmboxes{number}", "ready")

    def stop(self) -> None:
        """End everything."""
        for instance in self.instances.values():
            instance.kill()
        if self.proxy:
            self.proxy.terminate()
            self.proxy.wait(timeout=30)

    def _start_instance(self, port: int) -> None:
        """As deploy/systemd/vmboxes@.service does."""
        log = self.service.folder / f"{port}.log"
        command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.conf.py"]
        spool = str(self.service.folder / f"vmboxes-{port}")
        process = spawn(
            command, log, self.environment() | {"PORT": str(port), "AUDIT_SPOOL": spool}, folder=self.program
        )
        self.instances[port] = Running(process, f"http://{HOST}:{port}", log)

    def _wait_until_ready(self) -> None:
        for running in self.instances.values():
            wait_until(partial(self._is_ready_or_ended, running))
            assert running.process.poll() is None, running.logged()

    def _is_ready_or_ended(self, running: Running) -> bool:
        return running.process.poll() is not None or answers(f"{running.url}/health/ready")

    def _set_state(self, server: str, state: str) -> None:
        for backend in ("ready", "alive"):
            assert not tell_haproxy(self.service.folder, f"set server {backend}/{server} state {state}").strip()

    def _is_idle(self, server: str) -> bool:
        rows = csv.DictReader(tell_haproxy(self.service.folder, "show stat").splitlines())
        return all(row["scur"] == "0" for row in rows if row["svname"] == server)

    def _gets_through(self, session: requests.Session) -> bool:
        try:
            return session.get(f"{self.url}/health/ready", timeout=30).ok
        except requests.ConnectionError:
            return False
