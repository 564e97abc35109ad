"""CouchDB itself: whether it answers, to whom, in which version, and the nodes of its cluster."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings

from couch.client import couch
from couch.errors import NotFound, Rejected, Unauthorized, Unreachable
from doctor.findings import Finding, Repair, error, warning
from doctor.scope import Scope
from storage import database_names, maintenance

_OLDEST = (3, 1, 1)
_GLOBAL_CHANGES = "_global_changes"


def find_outage() -> Finding | None:
    """Return why CouchDB can't be asked for anything, None if it can."""
    if not settings.COUCHDB_URL.startswith(("http://", "https://")):
        return error("couchdb_unknown", "COUCHDB_URL names no CouchDB.", "Set it to http://USER:PASSWORD@HOST:5984.")
    try:
        info = couch().info()
    except Unauthorized:
        return error(
            "couchdb_credentials",
            "CouchDB doesn't accept the user and password in COUCHDB_URL.",
            "Correct them; special characters are percent-encoded.",
        )
    except Unreachable as failure:
        return describe_silence(failure)
    except Exception:  # whatever else listens there may answer anything
        info = {}
    if "couchdb" not in info:
        return error("not_couchdb", "What answers at COUCHDB_URL is no CouchDB.", "Correct its host and port.")
    return None


def describe_silence(failure: Unreachable) -> Finding:
    """Return a finding of a CouchDB that doesn't answer, or not in time."""
    host = urlsplit(settings.COUCHDB_URL).hostname
    return error(
        "couchdb_unreachable",
        f"CouchDB at {host} doesn't answer: {failure}.",
        "Start it, or correct COUCHDB_URL; look at CouchDB's log, and at firewalls between here and there.",
    )


def check_server(scope: Scope) -> Iterator[Finding]:
    """Yield whether CouchDB is one for production and takes requests, and COUCHDB_URL has an administrator of it."""
    info, is_administrator = couch().info(), couch().is_administrator()
    features = info.get("features")
    version, is_embedded = str(info.get("version")), isinstance(features, list) and "embedded" in features
    scope.summary["couchdb"] = f"{'embedded, ' if is_embedded else ''}version {version}"
    if not is_administrator:
        yield error(
            "couchdb_user_no_administrator",
            "The user in COUCHDB_URL is no administrator of CouchDB: no month can be created.",
            "Add the user to [admins] of CouchDB's configuration, or use one that is there.",
        )
    if is_embedded:
        yield warning(
            "couchdb_embedded",
            "This is the embedded CouchDB, which is made for trying out and is no production database.",
            "Install CouchDB 3.5 and set COUCHDB_URL to it; ignore this where nothing depends on the data.",
        )
    elif parse_version(version) < _OLDEST:
        yield error(
            "couchdb_old",
            f"CouchDB {version} is older than 3.1.1, with which the service works.",
            "Upgrade CouchDB to 3.5. To leave an older one with what is in it: docs/migration.md.",
        )
    if not couch().is_up():
        yield error(
            "couchdb_in_maintenance",
            "CouchDB answers, but says that it takes no requests: it is starting or in maintenance mode.",
            "Wait until it has started, or end the maintenance: [couchdb] maintenance_mode = false.",
        )


def check_access(scope: Scope) -> Iterator[Finding]:
    """Yield whether anybody may read accounts without a password."""
    if couch().is_open_to_anybody(database_names.ACCOUNTS):
        yield error(
            "couchdb_open",
            "CouchDB lets anybody who reaches it read the accounts, with their API keys.",
            "Set [chttpd] require_valid_user = true (or require_valid_user_except_for_up), and give CouchDB an "
            "administrator. Renew API keys if strangers could reach it.",
        )


def check_cluster(scope: Scope) -> Iterator[Finding]:
    """Yield the nodes of the cluster that are not there."""
    try:
        up, expected = couch().nodes()
    except (NotFound, Rejected):
        return  # CouchDB 1.x knows no cluster
    missing = sorted(set(expected) - set(up))
    if len(expected) > 1:
        scope.summary["couchdb"] += f", {len(expected)} nodes"
    if missing:
        yield error(
            "couchdb_node_down",
            "Nodes of the cluster are down, or can't be reached by the others.",
            "Start CouchDB there, or look at its log and at the network; if a node is gone for good, remove it from "
            "the cluster.",
            tuple(missing),
        )


def check_system_databases(scope: Scope) -> Iterator[Finding]:
    """Yield databases of the whole system that are missing."""
    names = set(couch().names())
    missing = tuple(name for name in database_names.SYSTEM if name not in names)
    if missing:
        yield error(
            "system_database_missing",
            "Databases that the service needs are missing.",
            "Run ./manage.py sync_views (--fix does the same for them).",
            missing,
            _creation(missing),
        )
    if _GLOBAL_CHANGES not in names:
        yield error(
            "global_changes_missing",
            "CouchDB has no database _global_changes: nobody learns which databases change, so no event is told.",
            "Create it: --fix does, as do the next followers that start (manage.py follow_changes).",
            repair=_create_global_changes,
        )


def parse_version(text: str) -> tuple[int, ...]:
    """Return the numbers of a version such as ``3.5.0``; none for a text that is no version."""
    numbers = []
    for part in text.split("-")[0].split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _creation(names: tuple[str, ...]) -> Repair:
    def create() -> list[str]:
        for name in names:
            maintenance.sync_database(name)
        return [f"Created the database {name}." for name in names]

    return create


def _create_global_changes() -> list[str]:
    return ["Created the database _global_changes."] if couch().create(_GLOBAL_CHANGES) else []
