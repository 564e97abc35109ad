"""Health checks for load balancers: whether this process runs, and whether it can serve."""

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse

from audit.backlog import read_backlog
from couch.client import couch
from events import state


def live(request: HttpRequest) -> JsonResponse:
    """Return 200, as the process runs."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """Return 200 if CouchDB answers, else 503: requests had better go elsewhere."""
    if couch().is_up():
        return JsonResponse({"status": "ready"})
    return JsonResponse({"status": "unready", "reason": "CouchDB does not answer"}, status=503)


def events(request: HttpRequest) -> JsonResponse:
    """Return how far those are behind who tell what changes, and how many jobs wait.

    The status is 503 when changes aren't told: nobody follows them, they have waited for more than a minute, or
    Django's database, in which followers say how they are, doesn't answer.
    """
    try:
        states, jobs = state.list_enabled(), state.job_counts()
    except DatabaseError:
        return JsonResponse({"status": "unknown", "reason": "Django's database does not answer"}, status=503)
    is_told = not any(consumer.is_late for consumer in states)
    consumers = {
        consumer.consumer: {
            "followers": consumer.followers,
            "all_accounts_followed": consumer.is_complete,
            "seconds_behind": consumer.seconds_behind,
            "accounts_waiting": consumer.waiting_accounts,
            "failing": bool(consumer.error),
        }
        for consumer in states
    }
    members = {
        "status": "telling" if is_told else "late",
        "consumers": consumers,
        "jobs": {"waiting": jobs.waiting, "running": jobs.running, "failed": jobs.failed},
    }
    return JsonResponse(members, status=200 if is_told else 503)


def audit(request: HttpRequest) -> JsonResponse:
    """Return what waits on this machine to be stored in the audit.

    The status is 503 when it has waited for more than a minute, or can't be written to disk.
    """
    backlog = read_backlog()
    members = {
        "status": "late" if backlog.is_late else "storing",
        "bytes_waiting": backlog.size,
        "seconds_behind": round(backlog.seconds, 3),
        "spool_writable": backlog.is_writable,
    }
    return JsonResponse(members, status=503 if backlog.is_late else 200)
