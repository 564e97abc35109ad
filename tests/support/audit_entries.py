"""What the audit has of requests: in Django's tables, or on its way there."""

from pathlib import Path
from typing import Any

import requests

from audit.models import Entry
from tests.support.servers import Service, wait_until


def entries_of(service: Service, answer: requests.Response) -> list[dict[str, Any]]:
    """The entries of an answered request, as soon as they are in the tables; there has to be at least one."""
    entries: list[dict[str, Any]] = []

    def are_stored() -> bool:
        with service.models():
            rows = Entry.objects.filter(request_id=answer.headers["X-Request-ID"]).order_by("pk")
            entries[:] = [
                {
                    **row,
                    "documents": list(
                        Entry.objects.get(pk=row["id"]).documents.values_list("document_id", flat=True)
                    ),
                }
                for row in rows.values()
            ]
        return bool(entries)

    wait_until(are_stored)
    return entries


def entry_of(service: Service, answer: requests.Response) -> dict[str, Any]:
    """The only entry of a request."""
    (entry,) = entries_of(service, answer)
    return entry


def is_recorded(service: Service, answer: requests.Response) -> bool:
    """Whether there is a record of an answered request, in the spool or in the tables."""
    request_id = answer.headers["X-Request-ID"]
    folder = Path(service.environment()["AUDIT_SPOOL"])
    # Whoever empties a file has stored what was in it.
    if any(request_id.encode() in path.read_bytes() for path in folder.glob("*.jsonl")):
        return True
    with service.models():
        return Entry.objects.filter(request_id=request_id).exists()
