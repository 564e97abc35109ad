"""``make run``: a voicemail service to try out, with nothing to set up.

Starts the embedded CouchDB (unless COUCHDB_URL names another one), prepares its databases, creates a demo account on
the first run, starts gunicorn, the follower of changes and the workers for jobs, and prints what to try. Ctrl-C stops
all of them. Their data stays under var/.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import environment
from config.welcome import welcome

PROJECT = Path(__file__).resolve().parent.parent
VAR = Path(environment.text("DATA_DIR", str(PROJECT / "var"))).absolute()
_START_TIMEOUT = 60  # seconds
_PORT, _LIVE_PORT = 8000, 5555
_EXISTING_OPERATORS = {
    "operator": "(one of those in DATABASE_URL; manage.py createsuperuser makes one)",
    "operator_password": "(yours)",
}


_COMPANIONS = {
    "follower": ("follow_changes",),
    "worker": ("db_worker", "--queue-name=*", "--exclude-queues=retries", "--interval=0.5", "--no-reload"),
    "live": ("live",),
    "retries": ("db_worker", "--queue-name=retries", "--no-reload"),
}
"""The commands of manage.py that run beside the service, and are started again when they end."""
_FILLER = "index_search"
"""The command that indexes for the search what there is already, which may take minutes."""
_COMPANION_PAUSE = 1.0  # seconds


class Stop(BaseException):
    """A signal to stop. It is no Exception, so that no `except Exception` on the way catches it."""


class Failure(Exception):
    """The service can't be started; the text says why."""


def main() -> None:
    """Run until Ctrl-C or SIGTERM. Exits with status 1 and one sentence if it can't be started."""
    os.umask(0o077)  # data, secrets and logs are for nobody else on the machine
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    servers: list[subprocess.Popen[bytes]] = []
    companions: dict[str, subprocess.Popen[bytes]] = {}
    try:
        _run_servers(servers, companions)
    except Stop:
        print("\nStopping ...", flush=True)
    except (Failure, ImproperlyConfigured) as failure:
        sys.exit(f"Not started: {failure}")
    finally:
        _end_servers([*servers, *companions.values()])


def _run_servers(servers: list[subprocess.Popen[bytes]], companions: dict[str, subprocess.Popen[bytes]]) -> None:
    os.chdir(PROJECT)
    (VAR / "log").mkdir(parents=True, exist_ok=True)
    port = environment.integer("PORT", _PORT, minimum=1)
    _require_free(port)
    _unless_set("SECRET_KEY", _stored_secret("secret-key"))
    _unless_set("GRACEFUL_TIMEOUT", "5")
    has_own_tables = not environment.secret("DATABASE_URL")
    _unless_set("DATABASE_URL", f"sqlite:///{VAR / 'django.sqlite3'}")
    _unless_set("AUDIT_SPOOL", str(VAR / "audit"))
    if couchdb_url := environment.secret("COUCHDB_URL"):
        _require_couchdb(couchdb_url)
    else:
        os.environ["COUCHDB_URL"] = _start_couchdb(servers)
    _unless_set("LIVE_PORT", str(_LIVE_PORT + port - _PORT if 0 < _LIVE_PORT + port - _PORT < 65536 else _LIVE_PORT))
    _unless_set("LIVE_URL", f"ws://{{host}}:{environment.integer('LIVE_PORT', _LIVE_PORT)}")
    demo = _prepare(with_operator=has_own_tables)
    url = f"http://127.0.0.1:{port}"
    for name in _COMPANIONS:
        companions[name] = _start_companion(name)
    companions[_FILLER] = _start_process(_FILLER, "manage", _FILLER)
    service = _start_server(servers, "service", "gunicorn", "-c", "config/gunicorn.conf.py")
    _wait_until_ready(service, "service", lambda: _answers(f"{url}/health/live"))
    print(welcome(url, demo, VAR), flush=True)
    started_at = dict.fromkeys(companions, time.monotonic())
    while all(server.poll() is None for server in servers):
        for name, process in [(name, companions[name]) for name in _COMPANIONS]:
            if process.poll() is not None and time.monotonic() > started_at[name] + _COMPANION_PAUSE:
                companions[name], started_at[name] = _start_companion(name), time.monotonic()
        time.sleep(0.2)
    sys.exit(f"A server ended by itself; see its log in {VAR / 'log'}.")


def _start_couchdb(servers: list[subprocess.Popen[bytes]]) -> str:
    """Start the embedded CouchDB on a free port. Returns its URL with credentials."""
    print(
        f"Starting the embedded CouchDB, which is no production database (data in {VAR / 'couchdb'}) ...", flush=True
    )
    port_file = VAR / "couchdb.port"
    port_file.unlink(missing_ok=True)
    admin = "admin:" + _stored_secret("couchdb-password")
    os.environ["EMBEDDED_COUCHDB_ADMIN"] = admin  # not on the command line, which every user of the machine can read
    options = ["--port", "0", "--data", str(VAR / "couchdb"), "--port-file", str(port_file)]
    couchdb = _start_server(servers, "couchdb", "embedded_couchdb", *options)
    _wait_until_ready(couchdb, "couchdb", port_file.exists)
    return f"http://{admin}@127.0.0.1:{port_file.read_text()}"


def _prepare(*, with_operator: bool) -> dict[str, str]:
    """Create Django's tables, the design documents, the demo account and its operator, and two months' databases.

    The operator is not created in a database that DATABASE_URL names, which has operators of its own.
    """
    from config.start import refuse_unsafe_settings

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    refuse_unsafe_settings()

    import django
    from django.core.management import call_command

    django.setup()

    from operators.demo import demo_operator
    from voicemail import demo

    print("Preparing databases and the demo account ...", flush=True)
    call_command("migrate", verbosity=0)
    with (VAR / "log" / "sync_views.log").open("w") as log:
        call_command("sync_views", stdout=log)
    account = demo.get_or_create(VAR / "demo.json")
    call_command("ensure_modbs", verbosity=0)
    return {**account, **(demo_operator(VAR / "operator.json") if with_operator else _EXISTING_OPERATORS)}


def _start_companion(name: str) -> subprocess.Popen[bytes]:
    return _start_process(name, "manage", *_COMPANIONS[name])


def _start_server(
    servers: list[subprocess.Popen[bytes]], name: str, module: str, *arguments: str
) -> subprocess.Popen[bytes]:
    process = _start_process(name, module, *arguments)
    servers.append(process)
    return process


def _start_process(name: str, module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a program in its own session: Ctrl-C reaches only this process, which ends the others in order."""
    # If this process is killed, the kernel ends the server, where it can.
    guard = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    with _log(name).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own programs
            [*guard, sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _end_servers(servers: list[subprocess.Popen[bytes]]) -> None:
    """End the servers, the last one first: with SIGTERM, and with SIGKILL if they take too long."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for process in reversed(servers):
        process.terminate()
        try:
            process.wait(timeout=environment.integer("GRACEFUL_TIMEOUT", 5) + 5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], name: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            lines = _log(name).read_text(errors="replace").strip().splitlines()
            raise Failure(f"{lines[-1] if lines else f'the {name} ended'} (see {_log(name)})")
        time.sleep(0.05)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((environment.text("BIND", "127.0.0.1"), port))
        except OSError as error:
            raise Failure(f"port {port}: {error.strerror}; choose another: PORT={port + 1} make run") from error


def _require_couchdb(url: str) -> None:
    """Raise Failure if the CouchDB in COUCHDB_URL can't be used."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise Failure("COUCHDB_URL must be like http://USER:PASSWORD@HOST:5984")
    server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]} (COUCHDB_URL)"
    credentials = b64encode(f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()).decode()
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}/_all_dbs?limit=1"
    try:
        # Only administrators may list databases, and they may create them, too.
        request = urllib.request.Request(address, headers={"Authorization": f"Basic {credentials}"})  # noqa: S310
        with _direct().open(request, timeout=5):
            pass
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise Failure(f"the CouchDB at {server} refuses the user and password") from error
        raise Failure(f"the CouchDB at {server} answers {error.code}") from error
    except (OSError, ValueError) as error:
        raise Failure(f"no CouchDB answers at {server}") from error


def _answers(url: str) -> bool:
    try:
        with _direct().open(url, timeout=5):
            return True
    except OSError:
        return False


def _direct() -> urllib.request.OpenerDirector:
    """A client without a proxy, for servers on this machine or network."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _unless_set(name: str, value: str) -> None:
    if not environment.secret(name):
        os.environ[name] = value


def _stored_secret(name: str) -> str:
    """A secret, created on the first run and stored under var/."""
    file = VAR / name
    if not file.exists():
        new = file.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(secrets.token_hex(32))
        new.replace(file)
    return file.read_text()


def _log(name: str) -> Path:
    return VAR / "log" / f"{name}.log"


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stop


if __name__ == "__main__":
    main()
