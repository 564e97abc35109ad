"""Health checks for load balancers: whether this process runs, and whether it can serve."""

from django.http import HttpRequest, JsonResponse

from couch.client import couch


def live(request: HttpRequest) -> JsonResponse:
    """Return 200, as the process runs."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """Return 200 if CouchDB answers, else 503: requests had better go elsewhere."""
    if couch().is_up():
        return JsonResponse({"status": "ready"})
    return JsonResponse({"status": "unready", "reason": "CouchDB does not answer"}, status=503)
