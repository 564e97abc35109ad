"""While CouchDB is away nobody can tell a good token from a revoked one: 503, and never 401."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from tests.support.api_client import Api
from tests.support.servers import Service, start_couchdb, wait_until

GOOD = {"credentials": hashlib.md5(b"admin:secret word").hexdigest(), "account_realm": "away.example.com"}


def test_tokens_are_neither_good_nor_bad_and_good_again_afterwards(
    tmp_path: Path, new_service: Callable[..., Service]
) -> None:
    couchdb = start_couchdb(tmp_path / "couchdb")
    service = new_service(couchdb.url, COUCHDB_CONNECT_TIMEOUT="1", WEB_CONCURRENCY="1")
    made = json.loads(service.manage("create_account", "Away", "away.example.com", "admin", "secret word"))
    server = service.start()
    try:
        anybody = Api(server.url, made["account_id"])
        api = Api(server.url, made["account_id"], anybody.put("/v2/user_auth", GOOD).json()["auth_token"])
        assert api.get("vmboxes").status_code == 200
        couchdb.kill()
        answers = [api.get("vmboxes"), api.get(""), anybody.put("/v2/user_auth", GOOD)]
        assert [answer.status_code for answer in answers] == [503] * 3
        assert {answer.json()["message"] for answer in answers} == {"datastore_unreachable"}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
        port = int(couchdb.url.rpartition(":")[2])
        couchdb = start_couchdb(tmp_path / "couchdb", port)
        wait_until(lambda: api.get("vmboxes").status_code == 200)
    finally:
        server.stop()
        couchdb.stop()
