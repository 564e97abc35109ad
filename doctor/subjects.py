"""What is examined, in this order, and what each subject needs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto

from doctor.checks import (
    audit,
    clock,
    couchdb,
    couchdb_limits,
    databases,
    designs,
    events,
    files,
    services,
    settings,
    storage_use,
    versions,
)
from doctor.data import accounts_data
from doctor.findings import Finding
from doctor.scope import Scope

Check = Callable[[Scope], Iterable[Finding]]


class Need(Enum):
    """What a subject's checks ask."""

    NOTHING = auto()
    COUCHDB = auto()
    TABLES = auto()
    """Django's database."""


@dataclass(frozen=True)
class Subject:
    """Checks that belong together."""

    name: str
    title: str
    checks: tuple[Check, ...]
    need: Need = Need.NOTHING


_RISK_CHECKS = (settings.check_hosts, settings.check_limits, settings.check_mail)
START_CHECKS: tuple[Check, ...] = (
    settings.check_faults,
    versions.check_python,
    versions.check_libraries,
    versions.check_programs,
    files.check_permissions,
    files.check_tables_writable,
    files.check_room,
)
"""Checks that ask nobody."""
DEPLOY_CHECKS: tuple[Check, ...] = (*_RISK_CHECKS, settings.check_passwords)
"""Checks that ask nobody, of what is a fault in production only."""
_STATIC_SUBJECTS = (
    Subject("settings", "Settings", (settings.check_faults, *_RISK_CHECKS)),
    Subject("secrets", "Secrets", (settings.check_passwords,)),
    Subject("versions", "Versions", (versions.check_python, versions.check_libraries, versions.check_programs)),
    Subject("files", "Files", (files.check_permissions, files.check_tables_writable, files.check_room)),
)
_COUCHDB_CHECKS = (
    couchdb.check_server,
    couchdb.check_access,
    couchdb.check_cluster,
    couchdb.check_system_databases,
    couchdb_limits.check_nodes,
    couchdb_limits.check_disk,
)
_DATABASE_CHECKS = (databases.check_accounts, databases.check_account_documents, databases.check_months)
SUBJECTS = (
    *_STATIC_SUBJECTS,
    Subject("couchdb", "CouchDB", _COUCHDB_CHECKS, Need.COUCHDB),
    Subject("clock", "Clock", (clock.check_clock,), Need.COUCHDB),
    Subject("databases", "Accounts and months", _DATABASE_CHECKS, Need.COUCHDB),
    Subject("views", "Design documents", (designs.check_designs,), Need.COUCHDB),
    Subject("sizes", "Sizes", (storage_use.check_sizes,), Need.COUCHDB),
    Subject("tables", "Django's tables", (services.check_tables,), Need.TABLES),
    Subject("events", "Events and jobs", (events.check_followers, events.check_jobs), Need.TABLES),
    Subject("audit", "Audit", (audit.check_records,)),
    Subject("mail", "Mail server", (services.check_mail_server,)),
    Subject("broker", "Message broker and Redis", (services.check_broker, services.check_redis)),
)
DATA = Subject("data", "Data of accounts", (accounts_data.check_data,), Need.COUCHDB)
"""Reads every document."""
