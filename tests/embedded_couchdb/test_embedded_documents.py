"""Documents: revisions, conflicts, validation, and what nobody should send."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
import requests

from tests.support.embedded_server import ADMIN, Database, Server, session


def test_of_two_writers_of_one_revision_one_wins_and_one_is_told(database: Database) -> None:
    rev = database.put("doc", {"round": 0})
    for number in range(20):
        both_ready = threading.Barrier(2)
        statuses: list[int] = []

        def write(rev: str = rev, ready: threading.Barrier = both_ready, told: list[int] = statuses) -> None:
            client = session()
            ready.wait()
            told.append(client.put(f"{database.url}/doc", json={"_rev": rev, "by": told is None}).status_code)

        writers = [threading.Thread(target=write) for _ in range(2)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()

        assert sorted(statuses) == [201, 409], f"round {number}"
        rev = database.get("doc")["_rev"]


def test_an_old_revision_can_be_read_until_compaction(database: Database) -> None:
    old = database.put("doc", {"v": 1})
    database.put("doc", {"v": 2, "_rev": old})
    assert database.client.get(f"{database.url}/doc?rev={old}").json()["v"] == 1

    compacted = database.client.post(f"{database.url}/_compact", json={})

    assert compacted.status_code == 202
    assert database.client.get(f"{database.url}/doc?rev={old}").status_code == 404
    assert database.get("doc")["v"] == 2


def test_only_as_many_revisions_as_the_limit_says_are_remembered(database: Database) -> None:
    database.client.put(f"{database.url}/_revs_limit", data="3")
    rev = database.put("doc", {})
    for _ in range(5):
        rev = database.put("doc", {"_rev": rev})

    revisions = database.get("doc", revs=True)["_revisions"]

    assert revisions["start"] == 6
    assert len(revisions["ids"]) == 3


def test_revisions_made_elsewhere_conflict_until_one_is_deleted(database: Database) -> None:
    documents = [{"_id": "doc", "_rev": "1-aaa", "v": "a"}, {"_id": "doc", "_rev": "1-bbb", "v": "b"}]
    body = {"new_edits": False, "docs": documents}
    assert database.client.post(f"{database.url}/_bulk_docs", json=body).json() == []

    conflicted = database.get("doc", conflicts=True)
    assert conflicted == {"_id": "doc", "_rev": "1-bbb", "v": "b", "_conflicts": ["1-aaa"]}

    database.client.delete(f"{database.url}/doc?rev=1-bbb")
    assert database.get("doc", conflicts=True) == {"_id": "doc", "_rev": "1-aaa", "v": "a"}


def test_counts_follow_deletion_and_recreation(database: Database) -> None:
    rev = database.put("doc", {})
    database.client.delete(f"{database.url}/doc?rev={rev}")
    info = database.get("")
    assert (info["doc_count"], info["doc_del_count"]) == (0, 1)

    database.put("doc", {})

    info = database.get("")
    assert (info["doc_count"], info["doc_del_count"]) == (1, 0)


def test_a_copy_has_the_attachments_too(database: Database) -> None:
    database.client.put(f"{database.url}/doc/audio", data=b"sound")

    copied = database.client.request("COPY", f"{database.url}/doc", headers={"Destination": "copy"})

    assert copied.status_code == 201
    assert database.client.get(f"{database.url}/copy/audio").content == b"sound"


def test_large_integers_come_back_as_they_were_sent(database: Database) -> None:
    numbers = [2**53 + 1, 2**64, -(10**30), 63630058722]
    database.put("doc", {"numbers": numbers})

    assert database.get("doc")["numbers"] == numbers


def test_a_changed_validation_function_is_used_at_once(database: Database) -> None:
    refuse = "function(doc, old, user, security){ if(doc.kind === '%s') throw({forbidden: user.name}); }"
    rev = database.put("_design/check", {"validate_doc_update": refuse % "red"})
    assert database.client.put(f"{database.url}/x", json={"kind": "red"}).status_code == 403
    database.put("_design/check", {"_rev": rev, "validate_doc_update": refuse % "blue"})

    database.put("x", {"kind": "red"})
    refused = database.client.put(f"{database.url}/y", json={"kind": "blue"})

    assert refused.json() == {"error": "forbidden", "reason": ADMIN[0]}


def test_a_validation_function_sees_the_document_that_is_replaced(database: Database) -> None:
    source = "function(doc, old){ if(old && old.n > doc.n) throw({unauthorized: 'n only grows'}); }"
    database.put("_design/check", {"validate_doc_update": source})
    rev = database.put("doc", {"n": 5})

    refused = database.client.put(f"{database.url}/doc", json={"n": 4, "_rev": rev})

    assert refused.status_code == 401
    database.put("doc", {"n": 6, "_rev": rev})


def test_a_session_cookie_is_as_good_as_a_password(embedded: Server) -> None:
    client = requests.Session()
    name, password = ADMIN
    client.post(f"{embedded.url}/_session", json={"name": name, "password": password})

    assert client.get(f"{embedded.url}/_all_dbs").status_code == 200
    assert requests.get(f"{embedded.url}/_all_dbs", timeout=10).status_code == 401


HOSTILE_BODIES = {
    "nothing": b"",
    "half an object": b'{"a":',
    "bytes that are no UTF-8": b'{"a":"\xff\xfe"}',
    "half a surrogate pair": b'{"a":"\\ud800"}',
    "a hundred thousand open brackets": b'{"a":' + b"[" * 100_000,
    "a hundred thousand brackets": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "not a number": b'{"a":NaN}',
    "infinity": b'{"a":1e999}',
    "a number without end": b'{"a":' + b"9" * 100_000 + b"}",
    "two values": b"{}{}",
    "a list": b"[]",
    "null": b"null",
    "an id that is a number": b'{"_id":5}',
    "an empty id": b'{"_id":""}',
    "a revision that is an object": b'{"_id":"x","_rev":{}}',
    "a revision of generation minus one": b'{"_id":"x","_rev":"-1-abc"}',
    "attachments that are a list": b'{"_attachments":[1]}',
    "an attachment that is a number": b'{"_attachments":{"a":5}}',
    "an attachment named by a NUL": b'{"_attachments":{"\\u0000":{"data":""}}}',
    "a content type that ends its header": b'{"_attachments":{"a":{"data":"","content_type":"a\\r\\nb"}}}',
    "an attachment that never follows": b'{"_attachments":{"a":{"follows":true}}}',
}


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=[name.replace(" ", "-") for name in HOSTILE_BODIES])
def test_a_hostile_body_is_refused_in_the_usual_form(database: Database, embedded: Server, body: bytes) -> None:
    answer = database.client.post(database.url, data=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"error", "reason"}
    assert f"/{database.name} failed" not in embedded.log.read_text()


HOSTILE_REQUESTS: list[tuple[str, str, Any]] = [
    ("PUT", "/%00", None),
    ("PUT", "/a%00b", None),
    ("PUT", "/%ff", None),
    ("PUT", "/" + "a" * 1000, None),
    ("POST", "/{db}/_bulk_docs", {"docs": [1]}),
    ("POST", "/{db}/_bulk_docs", {"docs": [[]]}),
    ("POST", "/{db}/_bulk_docs", []),
    ("POST", "/{db}/_bulk_get", {"docs": [5]}),
    ("POST", "/{db}/_bulk_docs", {"new_edits": False, "docs": [{"_id": "x", "_revisions": 5}]}),
    ("POST", "/{db}/_all_docs", {"keys": 5}),
    ("POST", "/{db}/_all_docs", {"limit": {}}),
    ("POST", "/{db}/_all_docs/queries", {"queries": [1]}),
    ("POST", "/{db}/_revs_diff", {"a": 5}),
    ("GET", "/{db}/_all_docs?key=" + "[" * 5000, None),
    ("GET", "/{db}/_changes?since=" + "9" * 100, None),
    ("GET", "/{db}/x?open_revs=5", None),
    ("PUT", "/{db}/_design/d", {"views": {"v": {"map": 5}}}),
    ("PUT", "/{db}/_design/d", {"views": {"v": 5}}),
    ("PUT", "/{db}/_design/d", {"views": {"v": {"map": "function(){}}); (function(){"}}}),
    ("PUT", "/{db}/_security", [1]),
    ("PUT", "/{db}/_revs_limit", True),
    ("PUT", "/{db}/d/%00", {}),
]


@pytest.mark.parametrize(("method", "path", "body"), HOSTILE_REQUESTS)
def test_a_hostile_request_is_refused_in_the_usual_form(
    database: Database, embedded: Server, method: str, path: str, body: Any
) -> None:
    path = path.replace("{db}", database.name)

    answer = database.client.request(method, embedded.url + path, json=body)

    assert answer.status_code == 400, answer.text
    assert {"error", "reason"} <= set(answer.json())
    assert f"{method} {path}" not in embedded.log.read_text()


def test_a_document_beyond_eight_megabytes_is_too_large(database: Database) -> None:
    document = json.dumps({"text": "x" * 8_000_001})

    answer = database.client.put(f"{database.url}/large", data=document)

    assert answer.status_code == 413
    assert answer.json() == {"error": "document_too_large", "reason": "large"}


def test_the_server_says_that_it_is_the_embedded_one(embedded: Server) -> None:
    assert session().get(f"{embedded.url}/").json()["features"] == ["embedded"]
