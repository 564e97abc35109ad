"""Django's system checks: what the doctor knows without asking anybody, by the same functions.

All of them are warnings to Django, whose errors would keep `migrate` from running. With settings that are unsafe no
command starts anyway. Notes are left to the doctor.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage

from doctor.findings import Finding, Severity
from doctor.scope import Scope
from doctor.subjects import DEPLOY_CHECKS, START_CHECKS, Check


def check_installation(app_configs: Sequence[Any] | None = None, **options: Any) -> list[CheckMessage]:
    """Return what is wrong with settings, versions and files."""
    return _messages_of(START_CHECKS)


def check_deployment(app_configs: Sequence[Any] | None = None, **options: Any) -> list[CheckMessage]:
    """Return what is wrong with settings and passwords in production, for ``manage.py check --deploy``."""
    return _messages_of(DEPLOY_CHECKS)


def _messages_of(doctors_checks: Iterable[Check]) -> list[CheckMessage]:
    findings = [finding for check in doctors_checks for finding in check(Scope())]
    return [_to_message(finding) for finding in findings if finding.severity is not Severity.NOTE]


def _to_message(finding: Finding) -> CheckMessage:
    subjects = f" {', '.join(finding.subjects)}." if finding.subjects else ""
    return checks.Warning(finding.problem + subjects, finding.advice, id=f"doctor.{finding.key}")
