"""``/metrics``, for whoever knows METRICS_TOKEN."""

import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from config.metrics.gauges import StateCollector


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of all workers; 401 without the token."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "bearer" or not constant_time_compare(token.strip(), settings.METRICS_TOKEN):
        headers = {"WWW-Authenticate": "Bearer"}
        return HttpResponse("METRICS_TOKEN is needed.\n", status=401, headers=headers, content_type="text/plain")
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    """Return what is counted in all workers. Outside of gunicorn there are no counts, as each process has its own."""
    registry = CollectorRegistry()
    registry.register(StateCollector())
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
