"""What of accounts Django knows: this service's own counts and records, and what permissions are about."""

from accounts.models.desk import Account, AccountUser, AuditEntry
from accounts.models.sign_ins import FailedSignIns

__all__ = ["Account", "AccountUser", "AuditEntry", "FailedSignIns"]
