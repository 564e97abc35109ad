"""Operators of the desk, and their sessions."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import requests
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from desk.models import AccountLimit
from tests.support.api_client import Account
from tests.support.forms import fields_of
from tests.support.servers import Service, direct

PASSWORD = "an operator's password"
PIN = "43*21"
"""Of a mailbox. No random id or token of a page holds it by chance, as it may hold a few digits."""
NEW_PIN = "246810"
"""One that the desk takes. An id may hold it by chance: no test may look for it on a page."""
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@dataclass
class Desk:
    """The session of a logged-in operator, which gets pages and submits forms like a browser."""

    url: str
    name: str
    session: requests.Session = field(default_factory=direct)

    def copy(self) -> "Desk":
        """The same login in a browser of its own."""
        desk = Desk(self.url, self.name)
        for cookie in ("sessionid", "csrftoken"):
            desk.session.cookies.set(cookie, self.session.cookies[cookie])
        return desk

    def get(self, path: str, **query: str) -> requests.Response:
        """Get a page below /admin/."""
        return self.session.get(f"{self.url}/admin/{path}", params=query, timeout=60)

    def post(
        self, path: str, *, follow: bool = True, files: Mapping[str, Any] | None = None, **fields: str | list[str]
    ) -> requests.Response:
        """Get a page, then post fields and files to it, with the CSRF token of its form."""
        token = _TOKEN.search(self.get(path).text)
        return self.session.post(
            f"{self.url}/admin/{path}",
            data={"csrfmiddlewaretoken": token[1] if token else "", **fields},
            files=files,
            headers={"Referer": f"{self.url}/admin/{path}"},
            allow_redirects=follow,
            timeout=60,
        )

    def send(self, path: str, **fields: str) -> requests.Response:
        """Post fields to a page that only takes them, as a button on another page does."""
        token = _TOKEN.search(self.get("").text)
        assert token is not None
        data = {"csrfmiddlewaretoken": token[1], **fields}
        return self.session.post(f"{self.url}/admin/{path}", data=data, timeout=60)

    def fill_in(
        self, path: str, page: requests.Response | None = None, **changes: str | list[str]
    ) -> requests.Response:
        """Submit a page's form with some values changed; an empty list leaves a field out.

        `page` is the page as it was loaded earlier; without it, the page is loaded now.
        """
        data: dict[str, str | list[str]] = {**fields_of((self.get(path) if page is None else page).text), **changes}
        headers = {"Referer": f"{self.url}/admin/{path}"}
        return self.session.post(f"{self.url}/admin/{path}", data=data, headers=headers, timeout=60)


def new_operator(url: str, service: Service, groups: tuple[str, ...], permissions: tuple[str, ...]) -> Desk:
    """A logged-in operator with some groups and permissions (by codename); with neither, a superuser."""
    name, session_id = _create_operator(service, groups, permissions)
    desk = Desk(url, name)
    desk.session.cookies.set("sessionid", session_id)
    page = desk.get("")
    assert "Log out" in page.text, page.text
    return desk


def limit(service: Service, desk: Desk, *accounts: Account) -> None:
    """Limit an operator to some accounts and what is below them."""
    with service.models():
        operator = User.objects.get(username=desk.name)
        for account in accounts:
            AccountLimit.objects.create(operator=operator, account_id=account.id)


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
