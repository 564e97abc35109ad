"""The operator of ``make run``'s desk: somebody who may do everything there, for trying out on one's own machine."""

import json
import secrets
from pathlib import Path

from django.contrib.auth import get_user_model

_NAME = "operator"


def demo_operator(file: Path) -> dict[str, str]:
    """The operator that the file tells of; a new one, told of in the file, when Django has none of that name.

    Returns ``operator`` and ``operator_password``; the password is empty where somebody else made an operator of that
    name, or changed what this one logs in with: it is then left alone.
    """
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    users = get_user_model().objects
    found = users.filter(username=_NAME).first()
    if found is not None:
        password = known.get("operator_password", "")
        return {"operator": _NAME, "operator_password": password if found.check_password(password) else ""}
    made = {"operator": _NAME, "operator_password": secrets.token_urlsafe(9)}
    # Its owner's alone, and there before the operator is: whoever is killed between the two has no unknown password.
    new = file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(json.dumps(made, indent=2))
    new.replace(file)
    users.create_superuser(_NAME, password=made["operator_password"])
    return made
