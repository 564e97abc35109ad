"""A machine of its own for a test that kills: both servers, which can be killed and started again."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from couch.client import Couch
from couch.database import Document
from storage import database_names
from tests.support.api_client import Api
from tests.support.servers import Running, Service, direct, start_couchdb


class Machine:
    """Both servers, each of which can be killed and started again where it was; an account with a mailbox."""

    def __init__(self, folder: Path, new_service: Callable[..., Service]) -> None:
        self._data = folder / "couchdb"
        self.couchdb = start_couchdb(self._data)
        self.service = new_service(self.couchdb.url, WEB_CONCURRENCY="1")
        self.service.manage("sync_views")
        self.server = self.service.start()
        made = json.loads(self.service.manage("create_account", "Kills", "kills.example.com", "admin", "secret word"))
        self.account_id: str = made["account_id"]
        credentials = hashlib.md5(b"admin:secret word").hexdigest()
        login = {"data": {"credentials": credentials, "account_realm": "kills.example.com"}}
        answer = direct().put(f"{self.server.url}/v2/user_auth", json=login, timeout=60)
        self.token: str = answer.json()["auth_token"]
        self.box_id: str = self.api().new_box("3000")["id"]

    def api(self) -> Api:
        """A client with connections of its own."""
        return Api(self.server.url, self.account_id, self.token)

    def kill_service(self) -> None:
        self.server.kill()

    def start_service(self) -> None:
        self.server = self.service.start(_port(self.server))

    def kill_couchdb(self) -> None:
        self.couchdb.kill()

    def start_couchdb(self) -> None:
        self.couchdb = start_couchdb(self._data, _port(self.couchdb))

    def stored(self) -> list[Document]:
        """Every message document there is, in whatever state."""
        couch = Couch(self.couchdb.url, connect_timeout=5, read_timeout=30)
        prefix = database_names.account_db(self.account_id) + "-"
        rows = [row for name in couch.names(prefix) for row in couch.database(name).all_docs(include_docs=True)]
        return [row["doc"] for row in rows if row["doc"].get("pvt_type") == "mailbox_message"]

    def stop(self) -> None:
        self.server.kill()
        self.couchdb.kill()


def _port(running: Running) -> int:
    return int(running.url.rpartition(":")[2])
