"""A client of the API as its users have one: requests over HTTP with a token."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.support.servers import direct


@dataclass(frozen=True)
class Account:
    """An account that a test may do with as it likes, and its administrator."""

    id: str
    name: str
    realm: str
    username: str
    password: str
    user_id: str
    api_key: str


@dataclass
class Api:
    """Sends requests; a path that does not begin with /v2 is one of the account's."""

    url: str
    account_id: str
    token: str | None = None
    session: requests.Session = field(default_factory=direct)

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """The answer to any request; options are those of requests."""
        headers = {"X-Auth-Token": self.token} if self.token else {}
        headers |= options.pop("headers", {})
        return self.session.request(method, self.address(path), headers=headers, timeout=120, **options)

    def address(self, path: str = "") -> str:
        """The address of a path."""
        if path.startswith(("/v2", "/health", "/admin")):
            return self.url + path
        relative = path.lstrip("/")
        return f"{self.url}/v2/accounts/{self.account_id}" + (f"/{relative}" if relative else "")

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Any) -> requests.Response:
        """HEAD."""
        return self.request("HEAD", path, **options)

    def options(self, path: str, **options: Any) -> requests.Response:
        """OPTIONS."""
        return self.request("OPTIONS", path, **options)

    def put(self, path: str, data: Any = None, **options: Any) -> requests.Response:
        """PUT; `data` is wrapped in an envelope."""
        return self.request("PUT", path, **_enveloped(data, options))

    def post(self, path: str, data: Any = None, **options: Any) -> requests.Response:
        """POST; `data` is wrapped in an envelope."""
        return self.request("POST", path, **_enveloped(data, options))

    def patch(self, path: str, data: Any = None, **options: Any) -> requests.Response:
        """PATCH; `data` is wrapped in an envelope."""
        return self.request("PATCH", path, **_enveloped(data, options))

    def delete(self, path: str, data: Any = None, **options: Any) -> requests.Response:
        """DELETE; `data` is wrapped in an envelope."""
        return self.request("DELETE", path, **_enveloped(data, options))

    def without_token(self) -> "Api":
        """The same client, not logged in."""
        return Api(self.url, self.account_id, None, self.session)

    def new_box(self, mailbox: str | None = None, **fields: Any) -> dict[str, Any]:
        """A mailbox that is sure to be created; its data. Its number is one that no other has, unless it is given."""
        number = mailbox or str(next(_numbers))
        response = self.put("vmboxes", {"name": f"VMBox {number}", "mailbox": number, **fields})
        assert response.status_code == 201, response.text
        box: dict[str, Any] = response.json()["data"]
        return box


_numbers = itertools.count(30_000)


def _enveloped(data: Any, options: dict[str, Any]) -> dict[str, Any]:
    """A value goes into an envelope; bytes, files and pieces of a body, and json= and files=, stay as they are."""
    if data is None:
        return options
    if isinstance(data, bytes | Iterator) or hasattr(data, "read") or "files" in options:
        return {"data": data, **options}
    return {"json": {"data": data}, **options}
