"""A proxy that makes a CouchDB look like a BigCouch or a CouchDB 1.x: it refuses what those don't know."""

import http.client
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

_BIGCOUCH = {"couchdb": "Welcome", "version": "1.1.1", "bigcouch": "0.4.0"}
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


class BigCouchFront(ThreadingHTTPServer):
    """Passes on what a BigCouch knows. Counts the requests for the names of all databases."""

    daemon_threads = True

    def __init__(self, target: str, welcome: dict[str, Any] | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.welcome = urlsplit(target), welcome
        self.listings = 0
        self.lock = Lock()
        self.url = f"http://{self.target.username}:{self.target.password}@127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BigCouchFront

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        options = parse_qs(query)
        if path == "/" and self.server.welcome is not None:
            self._answer(200, json.dumps(self.server.welcome).encode())
        elif path == "/_all_dbs" and options:
            self._answer(400, b'{"error":"query_parse_error","reason":"No such option"}')
        elif path in ("/_dbs_info", "/_up", "/_membership") or path.endswith(("/queries", "/_bulk_get")):
            self._answer(404, b'{"error":"not_found","reason":"missing"}')
        elif "buffer_response" in options:
            self._answer(400, b'{"error":"query_parse_error","reason":"No such option"}')
        else:
            with self.server.lock:
                self.server.listings += path == "/_all_dbs"
            self._pass_on(body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 - http.server looks for these

    def _pass_on(self, body: bytes) -> None:
        target = self.server.target
        connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        headers["Authorization"] = f"Basic {b64encode(f'{target.username}:{target.password}'.encode()).decode()}"
        connection.request(self.command, self.path, body or None, headers)
        answer = connection.getresponse()
        self._answer(answer.status, answer.read(), dict(answer.getheaders()))
        connection.close()

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {"Content-Type": "application/json"}).items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


@contextmanager
def bigcouch_front(target: str, welcome: dict[str, Any] | None = _BIGCOUCH) -> Iterator[BigCouchFront]:
    """A front of a CouchDB with a welcome of its own, or, without one, that of the CouchDB."""
    front = BigCouchFront(target, welcome)
    thread = Thread(target=front.serve_forever, daemon=True)
    thread.start()
    try:
        yield front
    finally:
        front.shutdown()
        front.server_close()
