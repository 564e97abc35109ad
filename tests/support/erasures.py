"""Deletions for good in tests: done in this process as a worker does them, and what is left in CouchDB after them."""

import json
import secrets
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from erasure import jobs, planning
from erasure.models import Erasure
from storage import maintenance
from tests.support.servers import direct

MARK = "Qz~Mark~Zq"
"""A caller's name that nothing else holds by chance."""


def new_operator_id() -> int:
    """The number of a new operator."""
    return int(User.objects.create(username=f"eraser-{secrets.token_hex(4)}", is_staff=True).pk)


def do_job(erasure: Erasure) -> Erasure:
    """Take the steps that a worker would take now; the erasure afterwards."""
    jobs.work.call(erasure.pk)
    return planning.get(erasure.pk)


def confirm(erasure: Erasure, *groups: str) -> Erasure:
    """Confirm a preview, and have what it shows removed."""
    assert erasure.state == Erasure.State.PREVIEW, erasure.problem
    assert planning.confirm(erasure, groups)
    removed = do_job(erasure)
    assert removed.state == Erasure.State.WAITING, removed.problem
    return removed


def let_time_pass(erasure: Erasure) -> Erasure:
    """Have what waits erased, as if its time had come."""
    Erasure.objects.filter(pk=erasure.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    return do_job(erasure)


def plan_and_erase(kind: str, account_id: str, document_id: str, *groups: str) -> Erasure:
    """An erasure from its plan to its end."""
    erasure = do_job(planning.plan(kind, account_id, document_id, new_operator_id()))
    done = let_time_pass(confirm(erasure, *groups))
    assert done.state == Erasure.State.DONE, (done.state, done.problem)
    return done


def texts_of(account_id: str) -> Iterator[str]:
    """All that CouchDB can be made to say of an account: documents, changes, and every revision that it has."""
    session = direct()
    for name in maintenance.list_account_databases(account_id):
        url = f"{settings.COUCHDB_URL.rstrip('/')}/{quote(name, safe='')}"
        yield _get(session, f"{url}/_all_docs?include_docs=true")
        changes = _get(session, f"{url}/_changes?include_docs=true&style=all_docs")
        yield changes
        for row in json.loads(changes)["results"]:
            if row["id"].startswith("_design/"):
                continue
            doc_url = f"{url}/{quote(row['id'], safe='')}"
            leaves = _get(session, f"{doc_url}?open_revs=all&revs=true")
            yield leaves
            for leaf in json.loads(leaves):
                yield from _texts_of_revisions(session, doc_url, leaf["ok"])


def _texts_of_revisions(session: requests.Session, doc_url: str, leaf: dict[str, object]) -> Iterator[str]:
    revisions = leaf["_revisions"]
    assert isinstance(revisions, dict)
    for index, digest in enumerate(revisions["ids"]):
        rev = f"{revisions['start'] - index}-{digest}"
        text = _get(session, f"{doc_url}?rev={rev}&attachments=true")
        yield text


def _get(session: requests.Session, url: str) -> str:
    return session.get(url, headers={"Accept": "application/json"}, timeout=60).text
