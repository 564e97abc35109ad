"""The request for a payload, as its hook wants it."""

from urllib.parse import urlsplit, urlunsplit

from django.utils.encoding import iri_to_uri

from couch.database import Document
from crossbar.version import VERSION
from webhooks.models import HOST_LENGTH
from webhooks.request_rules import is_allowed_header, is_http_address
from webhooks.sending.payloads import Payload, canonical_json, form_data
from webhooks.sending.transfer import Request

_METHODS = {"get": "GET", "post": "POST", "put": "PUT"}
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


def request_for(hook: Document, event_id: str, payload: Payload) -> Request:
    """Return the request that tells a hook's receiver of an event.

    Headers that no request may have, which Kazoo or an earlier version stored, are left out.
    """
    method = _METHODS.get(str(hook.get("http_verb", "")).lower(), "POST")
    uri = str(hook.get("uri", ""))
    custom_headers = _custom_headers(hook)
    headers = {
        "User-Agent": f"vmboxes/{VERSION}",
        "X-Hook-ID": hook["_id"],
        "X-Account-ID": str(hook.get("pvt_account_id", "")),
        "X-Event-ID": event_id,
    }
    body = b""
    if method == "GET":
        uri = _with_query(uri, form_data(payload))
    elif hook.get("format") == "json":
        headers["Content-Type"], body = _JSON, canonical_json(payload)
    else:
        headers["Content-Type"], body = _FORM, form_data(payload).encode()
    custom_names = {name.lower() for name in custom_headers}
    headers = {name: value for name, value in headers.items() if name.lower() not in custom_names} | custom_headers
    return Request(method, iri_to_uri(uri), headers, body, frozenset(custom_headers))


def host_of(hook: Document) -> str:
    """Return the host and port that a hook's requests go to, in lower case; empty for what is no address."""
    uri = str(hook.get("uri", ""))
    if not is_http_address(uri):
        return ""
    parts = urlsplit(uri)
    return f"{parts.hostname}:{parts.port or parts.scheme}"[:HOST_LENGTH]


def _custom_headers(hook: Document) -> dict[str, str]:
    headers = hook.get("custom_request_headers")
    items = headers.items() if isinstance(headers, dict) else ()
    return {name: value for name, value in items if isinstance(value, str) and is_allowed_header(name, value)}


def _with_query(uri: str, query: str) -> str:
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, query))), fragment=""))
