"""Traces and reports of errors: what a collector and a Sentry get of requests and jobs, and what they never get."""

import gzip
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from config.routes import readable_route
from config.tracing.error_reports import ReportLimit
from config.tracing.faults import tracing_faults
from couch.call_kinds import kind_of_call
from tests.support.api_client import Account, Api
from tests.support.failures import failing_job
from tests.support.following import Following
from tests.support.receivers import Receiver, Reply
from tests.support.servers import PROJECT, Running, Service, wait_until
from webhooks.models import Delivery
from webhooks.sending import sender

CALLER, PIN, EMAIL = "4915112345678", "918273645", "jane.roe@customer.example"
TEXT = "Please call back about the divorce papers"
TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
REQUEST_ID = "0f8fad5bd9cb469fa165708677289501"
HEADERS = {
    "traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01",
    "tracestate": f"vendor={CALLER}",
    "baggage": f"caller={CALLER}",
    "sentry-trace": f"{TRACE_ID}-{PARENT_ID}-1",
    "User-Agent": f"phone of {EMAIL}",
    "Referer": f"https://ui.example/?pin={PIN}",
    "Cookie": f"sessionid={PIN}{CALLER}",
    "X-Forwarded-For": "203.0.113.77",
}
PRIVATE = (CALLER, PIN, EMAIL, TEXT, TEXT.upper(), "203.0.113.77")


@dataclass
class Watcher:
    """A collector and a Sentry on one port, and the settings that name them."""

    receiver: Receiver

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a service that tells them everything at once."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.receiver.url(""),
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "SENTRY_DSN": self.receiver.url("/1").replace("://", "://0123456789abcdef@"),
            "DJANGO_SETTINGS_MODULE": "tests.support.failing_settings",
        }

    def bodies(self, path: str) -> list[bytes]:
        """What was sent to a path."""
        received = [request for request in self.receiver.received if request.path == path]
        return [
            gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body
            for request in received
        ]

    def everything(self) -> bytes:
        """All that was sent, headers included."""
        heads = [repr((request.path, request.headers)).encode() for request in self.receiver.received]
        return b"\n".join([*heads, *self.bodies("/v1/traces"), *self.bodies("/api/1/envelope/")])

    def spans(self) -> list[Span]:
        """The spans so far."""
        exports = [ExportTraceServiceRequest.FromString(body) for body in self.bodies("/v1/traces")]
        return [
            span
            for export in exports
            for resource in export.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def events(self) -> list[dict[str, Any]]:
        """The events so far. In an envelope, an item's head comes before it."""
        envelopes = [body.splitlines() for body in self.bodies("/api/1/envelope/")]
        return [
            json.loads(item)
            for lines in envelopes
            for head, item in pairwise(lines)
            if head.startswith(b'{"type":"event"')
        ]

    def wait_for_span(self, name: str) -> Span:
        """The first span with a name, when it is there."""
        wait_until(lambda: any(span.name == name for span in self.spans()))
        return next(span for span in self.spans() if span.name == name)


@pytest.fixture(scope="module")
def watcher() -> Iterator[Watcher]:
    receiver = Receiver(Reply(body=b"{}"))
    yield Watcher(receiver)
    receiver.stop()


@pytest.fixture(scope="module")
def watched(server_with: Callable[..., Running], watcher: Watcher) -> Running:
    """A service that traces and reports."""
    return server_with(**watcher.settings)


@pytest.fixture
def client(watched: Running, api: Api) -> Api:
    """A client of that service."""
    return Api(watched.url, api.account_id, api.token)


@pytest.fixture(scope="module")
def account(shared_account: Account) -> Account:
    return shared_account


def attributes(span: Span) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_a_request_is_a_span_with_its_calls_to_couchdb_below_it(
    watcher: Watcher, client: Api, account: Account
) -> None:
    data = {"name": EMAIL, "mailbox": CALLER, "pin": PIN[:6], "notify_email_addresses": [EMAIL]}
    box = client.put("vmboxes", data, headers={**HEADERS, "X-Request-ID": CALLER})
    assert box.status_code == 201, box.text
    box_id = box.json()["data"]["id"]
    query = {"filter_pin": PIN, "filter_mailbox": CALLER, "auth_token": client.token}
    assert client.get("vmboxes", params=query, headers=HEADERS).ok
    assert client.get(f"vmboxes/{CALLER}", headers=HEADERS).status_code == 404
    read = client.get(f"vmboxes/{box_id}", headers={**HEADERS, "X-Request-ID": REQUEST_ID})
    assert read.status_code == 200

    def spans_of_read() -> list[Span]:
        return [span for span in watcher.spans() if attributes(span).get("request.id") == REQUEST_ID]

    wait_until(lambda: bool(spans_of_read()))
    (span,) = spans_of_read()
    assert span.name == "GET /v2/accounts/{ACCOUNT_ID}/vmboxes/{BOX_ID}"
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/v2/accounts/{ACCOUNT_ID}/vmboxes/{BOX_ID}",
        "http.response.status_code": 200,
        "request.id": REQUEST_ID,
    }
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.trace_state) == (TRACE_ID, PARENT_ID, "")
    calls = [attributes(child) for child in watcher.spans() if child.parent_span_id == span.span_id]
    document = {"db.system.name": "couchdb", "db.operation.name": "document", "http.request.method": "GET"}
    assert {**document, "http.response.status_code": 200} in calls
    texts = (*PRIVATE, client.token or "", client.account_id, account.realm, account.name, box_id)
    assert [text for text in texts if text.encode() in watcher.everything()] == []


def test_errors_come_with_their_stack_and_without_the_texts_in_them(watcher: Watcher, client: Api) -> None:
    body = {"data": {"transcription": TEXT, "pin": PIN, "email": EMAIL}}
    path = f"/v2/failures/{CALLER}"
    answer = client.request(
        "POST", path, params={"pin": PIN}, json=body, headers={**HEADERS, "X-Request-ID": REQUEST_ID}
    )
    assert answer.status_code == 500
    page = client.session.get(
        client.url + f"/failing/{CALLER}", params={"token": client.token}, headers=HEADERS, timeout=60
    )
    assert page.status_code == 500
    wait_until(lambda: len(watcher.events()) >= 3)
    logged, failed, of_page = watcher.events()
    assert logged["logentry"] == {"message": "A message of %s failed"}
    assert logged["transaction"] == failed["transaction"] == "POST /v2/failures/{CALLER}"
    assert logged["tags"] == failed["tags"] == {"request_id": REQUEST_ID}
    assert of_page["transaction"] == "GET /failing/{CALLER}"
    for event in (failed, of_page):
        errors = event["exception"]["values"]
        assert [error["type"] for error in errors] == ["KeyError", "ValueError"]
        assert errors[-1]["stacktrace"]["frames"][-1]["function"] == "fail_with"
        assert not [frame for frame in errors[-1]["stacktrace"]["frames"] if "vars" in frame]
    assert {"request", "user", "breadcrumbs", "extra"}.isdisjoint(logged.keys() | failed.keys() | of_page.keys())
    assert watcher.wait_for_span("POST /v2/failures/{CALLER}").status.code == 2
    texts = (*PRIVATE, client.token or "")
    assert [text for text in texts if text.encode() in watcher.everything()] == []


def test_jobs_and_deliveries_have_spans_in_workers(watcher: Watcher, new_service: Callable[..., Service]) -> None:
    worker = new_service(**watcher.settings)
    with worker.models():
        members = {"event_id": "2" * 32, "event_name": "voicemail_new", "data_json": json.dumps({"from": CALLER})}
        Delivery.objects.create(
            hook_id="1" * 32, account_id="3" * 32, host=f"{CALLER}.example:443", due_at=timezone.now(), **members
        )
        failing_job.enqueue(TEXT)
        sender.schedule()

    def reports_of_jobs() -> list[dict[str, Any]]:
        return [event for event in watcher.events() if event["logger"] == "django_tasks"]

    with Following(worker, worker.folder / "events") as running:
        running.start_worker()
        assert watcher.wait_for_span("job tests.support.failures.failing_job").status.code == 2
        assert watcher.wait_for_span("job webhooks.sending.sender.send_due_webhooks").status.code == 0
        delivery = watcher.wait_for_span("delivery of webhooks")
        wait_until(lambda: bool(reports_of_jobs()))
    calls = [span.name for span in watcher.spans() if span.parent_span_id == delivery.span_id]
    assert calls == ["CouchDB GET document"]
    (report,) = reports_of_jobs()
    assert report["exception"]["values"][-1]["type"] == "ValueError"
    assert [text for text in PRIVATE if text.encode() in watcher.everything()] == []


def test_without_the_settings_neither_sdk_is_imported(service: Service) -> None:
    program = "import sys, config.wsgi; print(*sys.modules)"
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=PROJECT, env=service.environment(), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    modules = set(ended.stdout.split())
    assert "django.conf" in modules
    # redis imports a part of OpenTelemetry by itself where it is installed.
    assert not {"opentelemetry.sdk.trace", "opentelemetry.exporter", "google.protobuf", "sentry_sdk"} & modules


def test_few_errors_of_a_minute_are_reported() -> None:
    now = 100.0
    limit = ReportLimit(2, lambda: now)
    error = logging.LogRecord("events.follower", logging.ERROR, "", 1, "It failed", None, None)
    assert [limit.filter(error) for _ in range(4)] == [True, True, False, False]
    now = 160.0
    assert [limit.filter(error) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("endpoint", "dsn", "sentence"),
    [
        ("collector:4318", "", "OTEL_EXPORTER_OTLP_ENDPOINT must be like http://HOST:4318."),
        ("", "https://sentry.example/1", "SENTRY_DSN must be like https://KEY@HOST/NUMBER."),
        ("", "https://key@sentry.example/project", "SENTRY_DSN must be like https://KEY@HOST/NUMBER."),
    ],
)
def test_addresses_that_are_none_are_refused_at_start(endpoint: str, dsn: str, sentence: str) -> None:
    assert tracing_faults(endpoint, dsn) == [sentence]
    assert tracing_faults("http://collector:4318", "https://key@sentry.example/path/17") == []


def test_a_setting_whose_package_is_missing_is_refused_at_start() -> None:
    program = "from config.tracing.faults import tracing_faults; print(tracing_faults('http://h', 'http://k@h/1'))"
    command = [sys.executable, "-S", "-c", program]
    ended = subprocess.run(command, cwd=PROJECT, env={"PYTHONPATH": ""}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "SENTRY_DSN takes sentry-sdk: pip install -r deploy/requirements-tracing.txt." in ended.stdout
    assert "takes opentelemetry-sdk and opentelemetry-exporter-otlp-proto-http: pip install" in ended.stdout


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("", "server"),
        ("_up", "up"),
        ("account%2F12", "database"),
        ("account%2F12/some_id", "document"),
        ("account%2F12/some_id/4155550123.mp3?rev=1-2", "attachment"),
        ("account%2F12/_design/vmboxes/_view/crossbar_listing?key=%224155550123%22", "view"),
        ("account%2F12/_design/vmboxes", "design document"),
        ("account%2F12/_local/4155550123", "local document"),
        ("account%2F12/_bulk_docs", "bulk documents"),
    ],
)
def test_kinds_of_calls_name_nothing(path: str, kind: str) -> None:
    assert kind_of_call(f"http://admin:secret@couchdb:5984/{path}") == kind


@pytest.mark.parametrize(
    ("pattern", "route"),
    [
        (r"v2/^accounts/(?P<account_id>[^/]+)/vmboxes/?$", "/v2/accounts/{ACCOUNT_ID}/vmboxes"),
        (r"^v2/openapi\.json/?$", "/v2/openapi.json"),
        ("admin/desk/mailbox/<path:object_id>/change/", "/admin/desk/mailbox/{OBJECT_ID}/change"),
        ("", "/"),
    ],
)
def test_routes_are_written_as_in_the_api_document(pattern: str, route: str) -> None:
    assert readable_route(pattern) == route
