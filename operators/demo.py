"""The operator of ``make run``: a superuser to try the desk with on one's own machine."""

import json
import secrets
from pathlib import Path

from django.contrib.auth import get_user_model

_NAME = "operator"


def demo_operator(file: Path) -> dict[str, str]:
    """Return the demo operator, after creating it if Django has no user of its name.

    The file keeps the credentials: ``operator`` and ``operator_password``. The password is returned as empty if
    somebody else created a user of that name, or changed its password.
    """
    saved: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    users = get_user_model().objects
    user = users.filter(username=_NAME).first()
    if user is not None:
        password = saved.get("operator_password", "")
        return {"operator": _NAME, "operator_password": password if user.check_password(password) else ""}
    credentials = {"operator": _NAME, "operator_password": secrets.token_urlsafe(9)}
    # Readable by its owner only, and written before the user is created: no crash leaves an unknown password.
    new_file = file.with_suffix(".new")
    new_file.touch(mode=0o600)
    new_file.write_text(json.dumps(credentials, indent=2))
    new_file.replace(file)
    users.create_superuser(_NAME, password=credentials["operator_password"])
    return credentials
