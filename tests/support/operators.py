"""Operators, and the desk as their browsers see it."""

import re
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import requests
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from tests.support.forms import fields_of
from tests.support.servers import Service, direct

PASSWORD = "an operator's password"
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


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
    """A logged-in operator with some groups and permissions (by codename); with neither, a superuser."""
    # In a thread of its own: Django's models refuse to work where Playwright's event loop runs.
    with ThreadPoolExecutor(max_workers=1) as executor:
        name, session_id = executor.submit(_create_operator, service, groups, permissions).result()
    desk = Desk(url, name)
    desk.session.cookies.set("sessionid", session_id)
    page = desk.get("")
    assert "Log out" in page.text, page.text
    return desk


def _create_operator(service: Service, groups: tuple[str, ...], permissions: tuple[str, ...]) -> tuple[str, str]:
    """Store an operator, and return its name and the id of a session."""
    with service.models():
        user = User(username=f"operator-{secrets.token_hex(4)}", password=_hashed_password(), is_staff=True)
        user.is_superuser = not groups and not permissions
        user.save()
        user.groups.set(Group.objects.filter(name__in=groups))
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client()
        client.force_login(user)
        return user.username, client.cookies["sessionid"].value


@cache
def _hashed_password() -> str:
    return make_password(PASSWORD)
