"""Spans of requests, of their calls to CouchDB, of jobs and of deliveries, sent to a collector by OTLP over HTTP.

Names and attributes are routes, methods, statuses and kinds of calls: no path, query, header, id or text of an error.
The span of a request ends when its response begins. What else OpenTelemetry lets an operator set, such as
OTEL_SERVICE_NAME and OTEL_TRACES_SAMPLER, its SDK reads from the environment itself.
"""

import atexit
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django_tasks.signals import task_finished, task_started
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from config.routes import current_route
from config.tracing.request_ids import random_id
from couch.call_kinds import kind_of_call
from couch.client import couch
from couch.errors import TimedOut
from couch.transfer import Request
from crossbar.spans import trace_with
from crossbar.version import VERSION

_EXPORT_SECONDS = 3.0
_PROPAGATOR = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("vmboxes")
_jobs: dict[str, AbstractContextManager[None]] = {}


class _Exporter(OTLPSpanExporter):
    """Sends spans. When the process ends, it gives up at the first failure, so that nothing waits for it."""

    is_ending = False
    _is_given_up = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send some spans; the caller is a thread that does nothing else."""
        if self._is_given_up:
            return SpanExportResult.FAILURE
        result = super().export(spans)
        self._is_given_up = self.is_ending and result is not SpanExportResult.SUCCESS
        return result


def start_tracing() -> None:
    """Trace what this process does from now on. A thread of its own sends it, also after a fork.

    That thread's queue is bounded: when the collector is away or slow, spans are dropped, and nothing waits.
    """
    # A collector that is silent must not keep a process that ends for longer.
    exporter = _Exporter(timeout=None if "OTEL_EXPORTER_OTLP_TIMEOUT" in os.environ else _EXPORT_SECONDS)
    name = os.environ.get("OTEL_SERVICE_NAME") or "vmboxes"
    resource = Resource.create({SERVICE_NAME: name, SERVICE_VERSION: VERSION})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)

    def stop() -> None:
        exporter.is_ending = True
        provider.shutdown()

    atexit.register(stop)
    couch().session.observers.append(trace_couchdb_call)
    trace_with(_work_span)
    task_started.connect(_begin_job)
    task_finished.connect(_end_job)


class TracingMiddleware:
    """Makes a span of each request, below that of the caller's ``traceparent`` if it has one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Return the response to a request."""
        # tracestate and baggage are texts of the caller's choice: they are not passed on.
        parent = _PROPAGATOR.extract({"traceparent": request.META.get("HTTP_TRACEPARENT", "")})
        with _tracer.start_as_current_span(
            "request", parent, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            response = self._get_response(request)
            if span.is_recording():
                _describe_request(span, response)
        return response


def _describe_request(span: trace.Span, response: HttpResponseBase) -> None:
    if current := current_route():
        span.update_name(current.name)
        span.set_attributes({"http.request.method": current.method, "http.route": current.route})
    span.set_attribute("http.response.status_code", response.status_code)
    if identifier := random_id(response.headers.get("X-Request-ID", "")):
        span.set_attribute("request.id", identifier)
    if response.status_code >= 500:
        span.set_status(StatusCode.ERROR)


def trace_couchdb_call(request: Request, status: int, error: BaseException | None, seconds: float) -> None:
    """Make a span of a call to CouchDB that has just ended, if it belongs to a request, job or delivery."""
    if not trace.get_current_span().is_recording():
        return
    ended_at = time.time_ns()
    kind = kind_of_call(request.url)
    attributes: dict[str, str | int] = {
        "db.system.name": "couchdb",
        "db.operation.name": kind,
        "http.request.method": request.method,
    }
    if error is None:
        attributes["http.response.status_code"] = status
    else:
        attributes["error.type"] = "timeout" if isinstance(error, TimedOut) else "unreachable"
    span = _tracer.start_span(
        f"CouchDB {request.method} {kind}",
        kind=SpanKind.CLIENT,
        attributes=attributes,
        start_time=ended_at - int(seconds * 1_000_000_000),
    )
    if error is not None or status >= 500:
        span.set_status(StatusCode.ERROR)
    span.end(ended_at)


@contextmanager
def _work_span(name: str) -> Iterator[None]:
    """A span of work that nobody's request waits for. Of an error its class is told, not its text."""
    with _tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as span:
        try:
            yield
        except BaseException as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise


def _begin_job(task_result: Any, **arguments: Any) -> None:
    context = _work_span(f"job {task_result.task.module_path}")
    context.__enter__()
    _jobs[str(task_result.id)] = context


def _end_job(task_result: Any, **arguments: Any) -> None:
    context = _jobs.pop(str(task_result.id), None)
    if context is None:
        return
    if task_result.errors:
        trace.get_current_span().set_attribute("error.type", task_result.errors[-1].exception_class_path)
        trace.get_current_span().set_status(StatusCode.ERROR)
    context.__exit__(None, None, None)
