"""Records of what the API changes, on their way to Django's database."""

from collections.abc import Iterator

from django.conf import settings

from audit.backlog import LATE_SECONDS, read_backlog
from doctor.findings import Finding, count, warning
from doctor.scope import Scope
from migration.report import format_size


def check_records(scope: Scope) -> Iterator[Finding]:
    """Yield whether records can be kept on disk, and whether they reach Django's database."""
    backlog = read_backlog()
    if not backlog.is_writable:
        yield warning(
            "audit_not_writable",
            f"Records of what the API changes can't be written to {settings.AUDIT_SPOOL} by this user.",
            "Where the service runs, give the folder to its user, or make room on its disk: until then records wait "
            "in memory, and those of a killed process are lost. /health/audit says it of each instance.",
        )
    if backlog.seconds > LATE_SECONDS:
        seconds = count(round(backlog.seconds), "second", "seconds")
        yield warning(
            "audit_waiting",
            f"Records of what the API changes wait for Django's database: {format_size(backlog.size)} for {seconds}.",
            "Look whether Django's database answers, and at the service's log; the service has to run to bring them.",
        )
