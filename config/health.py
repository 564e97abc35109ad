"""What a load balancer asks: is this process alive, and can it serve?"""

from django.http import HttpRequest, JsonResponse

from couch.client import couch


def live(request: HttpRequest) -> JsonResponse:
    """200 whenever the process answers at all."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """200 when CouchDB answers, else 503: send requests elsewhere for now."""
    if couch().is_up():
        return JsonResponse({"status": "ready"})
    return JsonResponse({"status": "unready", "reason": "CouchDB does not answer"}, status=503)
