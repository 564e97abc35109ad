"""Operators, and the desk as their browsers see it."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.support.forms import fields_of
from tests.support.servers import Service, direct

PASSWORD = "an operator's password"
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
_MAKE = """
from django.contrib.auth.models import Group, Permission, User
user = User.objects.create_user({name!r}, password={password!r}, is_staff=True, is_superuser={superuser})
user.groups.set(Group.objects.filter(name__in={groups!r}))
user.user_permissions.set(Permission.objects.filter(codename__in={permissions!r}))
"""


@dataclass
class Desk:
    """A logged-in operator's session: pages are got and forms are sent as a browser does it."""

    url: str
    name: str
    session: requests.Session = field(default_factory=direct)

    def again(self) -> "Desk":
        """The same operator, as logged in as now, in a browser of its own."""
        desk = Desk(self.url, self.name)
        for cookie in ("sessionid", "csrftoken"):
            desk.session.cookies.set(cookie, self.session.cookies[cookie])
        return desk

    def get(self, path: str, **query: str) -> requests.Response:
        """A page below /admin/."""
        return self.session.get(f"{self.url}/admin/{path}", params=query, timeout=60)

    def send(
        self, path: str, *, follow: bool = True, files: Mapping[str, Any] | None = None, **fields: str | list[str]
    ) -> requests.Response:
        """A form sent from its own page, with the token against forgery that was in it, and perhaps files."""
        page = self.get(path)
        token = _TOKEN.search(page.text)
        data = {"csrfmiddlewaretoken": token[1] if token else "", **fields}
        headers = {"Referer": f"{self.url}/admin/{path}"}
        return self.session.post(
            f"{self.url}/admin/{path}",
            data=data,
            files=files,
            headers=headers,
            allow_redirects=follow,
            timeout=60,
        )

    def fill(self, path: str, page: requests.Response | None = None, **changed: str | list[str]) -> requests.Response:
        """A page's form sent with all that it shows but for what is changed; an empty list leaves a field out.

        `page` is the page as it was got earlier, when that matters.
        """
        data: dict[str, str | list[str]] = {**fields_of((page or self.get(path)).text), **changed}
        headers = {"Referer": f"{self.url}/admin/{path}"}
        return self.session.post(f"{self.url}/admin/{path}", data=data, headers=headers, timeout=60)


def new_operator(url: str, service: Service, groups: tuple[str, ...], permissions: tuple[str, ...]) -> Desk:
    """A logged-in operator of some groups and with some permissions by codename; of neither, one who may do all."""
    name = f"operator-{secrets.token_hex(4)}"
    may_all = str(not groups and not permissions)
    code = _MAKE.format(
        name=name, password=PASSWORD, superuser=may_all, groups=list(groups), permissions=list(permissions)
    )
    service.manage("shell", "-v", "0", "-c", code)
    desk = Desk(url, name)
    answer = desk.send("login/?next=/admin/", username=name, password=PASSWORD)
    assert "Log out" in answer.text, answer.text
    return desk
