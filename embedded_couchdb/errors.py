"""CouchDB's errors: a status, a short name, and a reason in English."""

from __future__ import annotations

from typing import Any


class CouchError(Exception):
    """An error response: ``{"error": name, "reason": reason}`` with an HTTP status."""

    def __init__(
        self, status: int, name: str, reason: Any, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(f"{status} {name}: {reason}")
        self.headers = headers or {}
        self.status = status
        self.name = name
        self.reason = reason
        self.members = members

    def as_json(self) -> dict[str, Any]:
        """The body of the response."""
        return {"error": self.name, "reason": self.reason, **self.members}


def bad_request(reason: str) -> CouchError:
    """400: the request itself makes no sense."""
    return CouchError(400, "bad_request", reason)


def invalid_json() -> CouchError:
    """400: a body or a parameter is not UTF-8 JSON."""
    return bad_request("invalid UTF-8 JSON")


def query_error(reason: str, **members: Any) -> CouchError:
    """400: the options of a view query are wrong or contradict each other."""
    return CouchError(400, "query_parse_error", reason, **members)


def not_found(reason: str = "missing") -> CouchError:
    """404: no such document, revision, attachment or view."""
    return CouchError(404, "not_found", reason)


def no_database() -> CouchError:
    """404: no such database."""
    return not_found("Database does not exist.")


def conflict() -> CouchError:
    """409: the revision that the write names is no longer the document's current one."""
    return CouchError(409, "conflict", "Document update conflict.")


def unauthorized(reason: str) -> CouchError:
    """401: credentials are missing, wrong or insufficient."""
    return CouchError(401, "unauthorized", reason, {"WWW-Authenticate": 'Basic realm="server"'})


def not_acceptable_type(expected: str) -> CouchError:
    """415: the request doesn't accept the body's content type."""
    return CouchError(415, "bad_content_type", f"Content-Type must be {expected}")


def method_not_allowed(allowed: str) -> CouchError:
    """405: the path exists, the method doesn't."""
    return CouchError(405, "method_not_allowed", f"Only {allowed} allowed", {"Allow": allowed})
