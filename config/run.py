"""``make run``: a voicemail service to try out, from nothing.

Starts the embedded CouchDB (unless COUCHDB_URL names another), prepares its databases, makes a demo account
once, starts gunicorn, and says what to try. Ctrl-C ends all it started. Its data stays under var/.
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
_PATIENCE = 60  # seconds for a server to start
_YOURS = {
    "operator": "(one of those in DATABASE_URL; manage.py createsuperuser makes one)",
    "operator_password": "(yours)",
}


class Stop(BaseException):
    """Somebody wants all of it to end. No Exception: nothing on the way may take it for an error of its own."""


class Failure(Exception):
    """It can't run, and this sentence says why."""


def main() -> None:
    """Run until Ctrl-C or SIGTERM; exits with status 1 and one sentence when something is in the way."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    started: list[subprocess.Popen[bytes]] = []
    try:
        _run(started)
    except Stop:
        print("\nStopping ...", flush=True)
    except (Failure, ImproperlyConfigured) as failure:
        sys.exit(f"Not started: {failure}")
    finally:
        _end(started)


def _run(started: list[subprocess.Popen[bytes]]) -> None:
    os.chdir(PROJECT)
    (VAR / "log").mkdir(parents=True, exist_ok=True)
    port = environment.whole("PORT", 8000, minimum=1)
    _require_free(port)
    _unless_set("SECRET_KEY", _kept_secret("secret-key"))
    _unless_set("GRACEFUL_TIMEOUT", "5")
    has_own_tables = not environment.secret("DATABASE_URL")
    _unless_set("DATABASE_URL", f"sqlite:///{VAR / 'django.sqlite3'}")
    if couchdb_url := environment.secret("COUCHDB_URL"):
        _require_couchdb(couchdb_url)
    else:
        os.environ["COUCHDB_URL"] = _start_couchdb(started)
    demo = _prepare(with_operator=has_own_tables)
    url = f"http://127.0.0.1:{port}"
    service = _start(started, "service", "gunicorn", "-c", "config/gunicorn.conf.py")
    _wait(service, "service", lambda: _answers(f"{url}/health/live"))
    print(welcome(url, demo, VAR), flush=True)
    while all(each.poll() is None for each in started):
        time.sleep(0.2)
    sys.exit(f"A server ended by itself; its last words are in {VAR / 'log'}.")


def _start_couchdb(started: list[subprocess.Popen[bytes]]) -> str:
    """The embedded CouchDB on a free port; its URL with credentials."""
    print(
        f"Starting the embedded CouchDB, which is no production database (data in {VAR / 'couchdb'}) ...", flush=True
    )
    port_file = VAR / "couchdb.port"
    port_file.unlink(missing_ok=True)
    admin = "admin:" + _kept_secret("couchdb-password")
    os.environ["EMBEDDED_COUCHDB_ADMIN"] = admin  # not on the command line, which everybody on the machine can see
    options = ["--port", "0", "--data", str(VAR / "couchdb"), "--port-file", str(port_file)]
    couchdb = _start(started, "couchdb", "embedded_couchdb", *options)
    _wait(couchdb, "couchdb", port_file.exists)
    return f"http://{admin}@127.0.0.1:{port_file.read_text()}"


def _prepare(*, with_operator: bool) -> dict[str, str]:
    """Django's tables, the design documents, the demo account, its operator, and this and next month's databases.

    Tables that somebody named, who has operators of their own in them, get none.
    """
    from config.start import refuse_unsafe_settings

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    refuse_unsafe_settings()

    import django
    from django.core.management import call_command

    django.setup()

    from desk.operators.demo import demo_operator
    from voicemail import demo

    print("Preparing databases and the demo account ...", flush=True)
    call_command("migrate", verbosity=0)
    with (VAR / "log" / "sync_views.log").open("w") as log:
        call_command("sync_views", stdout=log)
    account = demo.get_or_create(VAR / "demo.json")
    call_command("ensure_modbs", verbosity=0)
    return {**account, **(demo_operator(VAR / "operator.json") if with_operator else _YOURS)}


def _start(
    started: list[subprocess.Popen[bytes]], name: str, module: str, *arguments: str
) -> subprocess.Popen[bytes]:
    """A server in a session of its own, so that Ctrl-C reaches only this process, which ends them in order."""
    # Should this process be killed outright, the kernel ends its servers (where it can).
    guard = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    with _log(name).open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own programs
            [*guard, sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    started.append(process)
    return process


def _end(started: list[subprocess.Popen[bytes]]) -> None:
    """End the servers, the last one first, each gently and then not."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for process in reversed(started):
        process.terminate()
        try:
            process.wait(timeout=environment.whole("GRACEFUL_TIMEOUT", 5) + 5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: subprocess.Popen[bytes], name: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
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
    """Say in one sentence why the CouchDB that was named can't be used."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise Failure("COUCHDB_URL must be like http://USER:PASSWORD@HOST:5984")
    shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]} (COUCHDB_URL)"
    credentials = b64encode(f"{unquote(parts.username or '')}:{unquote(parts.password or '')}".encode()).decode()
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}/_all_dbs?limit=1"
    try:
        # An administrator's question: whoever may ask it may create databases, too.
        request = urllib.request.Request(address, headers={"Authorization": f"Basic {credentials}"})  # noqa: S310
        with _direct().open(request, timeout=5):
            pass
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise Failure(f"the CouchDB at {shown} refuses the user and password") from error
        raise Failure(f"the CouchDB at {shown} answers {error.code}") from error
    except (OSError, ValueError) as error:
        raise Failure(f"no CouchDB answers at {shown}") from error


def _answers(url: str) -> bool:
    try:
        with _direct().open(url, timeout=5):
            return True
    except OSError:
        return False


def _direct() -> urllib.request.OpenerDirector:
    """A client that uses no proxy: these servers are near."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _unless_set(name: str, value: str) -> None:
    if not environment.secret(name):
        os.environ[name] = value


def _kept_secret(name: str) -> str:
    """A secret made once and kept under var/ for the next run."""
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
