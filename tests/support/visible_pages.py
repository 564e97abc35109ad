"""Every page of the desk that there is: what the URL configuration names, and answers a browser with HTML."""

import re
from collections.abc import Iterator

from django.contrib.auth.models import Group, User
from django.utils import timezone

from desk.models import AuditEntry, MailboxRun, MessageRun
from migration.models import MigrationRun, Operation
from tests.support import every_page
from tests.support.browsing import Practice
from tests.support.operators import Desk
from tests.support.servers import Service

_ADMIN = "admin/"
_CONVERTERS = re.compile(r"<(?:\w+:)?(\w+)>")


def list_pages(desk: Desk, service: Service, practice: Practice) -> list[str]:
    """The paths below /admin/ of all pages that need no query, and whose parameters there are values for."""
    values = _values(desk, service, practice)
    return [path for path in dict.fromkeys(_paths(values)) if _is_page(desk, path)]


def _values(desk: Desk, service: Service, practice: Practice) -> dict[str, str]:
    """Values of parameters, by their name, or by the path before them and their name."""
    account_id = practice.account.id
    with service.models():
        operator, now = User.objects.get(username=desk.name), timezone.now()
        box_run = MailboxRun.objects.create(account_id=account_id, operator=operator, is_import=False, state="done")
        message_run = MessageRun.objects.create(
            account_id=account_id, operator=operator, action="saved", is_listed=True, state="done"
        )
        migration_run = MigrationRun.objects.create(
            account_id=account_id,
            account_name=practice.account.name,
            operation=Operation.DRY_RUN,
            operator=operator,
            state="done",
            requested_at=now,
            last_seen_at=now,
        )
        entry = AuditEntry.objects.create(operator=operator, action="heard", kind="message")
        return {
            "account_id": account_id,
            "box_id": practice.boxes[0]["id"],
            "message_id": practice.message_ids[0],
            "media_id": practice.media_id,
            "hook_id": practice.hook_id,
            "attempt_id": practice.attempt_id,
            "kind": "unavailable",
            "template_id": "voicemail_to_email",
            "user_id": practice.account.user_id,
            "sessions user_id": str(operator.pk),
            "second-factor user_id": str(operator.pk),
            "auth/user object_id": str(operator.pk),
            "auth/user id": str(operator.pk),
            "auth/group object_id": str(Group.objects.earliest("pk").pk),
            "desk/auditentry object_id": str(entry.pk),
            "desk/mailbox run_id": str(box_run.pk),
            "desk/message run_id": str(message_run.pk),
            "migration/migrationrun run_id": str(migration_run.pk),
        }


def _paths(values: dict[str, str]) -> Iterator[str]:
    """All paths below /admin/, filled in; those with a parameter that has no value are left out."""
    for full_path in every_page.paths():
        path = full_path.removeprefix(_ADMIN)
        if path == full_path or "(?P" in path:
            continue
        place = next((name.split()[0] for name in values if " " in name and path.startswith(name.split()[0])), "")
        names = _CONVERTERS.findall(path)
        filled = [values.get(f"{place} {name}", values.get(name)) for name in names]
        if None not in filled:
            yield _CONVERTERS.sub("{}", path).format(*filled)


def _is_page(desk: Desk, path: str) -> bool:
    """Whether a path answers with a page, and not with a file, a redirection, or that it takes only forms."""
    response = desk.session.get(f"{desk.url}/admin/{path}", allow_redirects=False, stream=True, timeout=60)
    with response:
        assert response.status_code < 500, path
        return response.status_code == 200 and response.headers.get("Content-Type", "").startswith("text/html")
