"""The server as a process: it loses nothing, shares its data with nobody, and stops when told."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from requests.auth import _basic_auth_str

from tests.support.embedded_server import ADMIN, PROJECT, Database, Server, command, session, start, wait_until


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    running = start(data)
    yield running
    if running.process.poll() is None:
        running.kill()


def test_a_kill_in_the_middle_of_writes_loses_no_acknowledged_write(server: Server, data: Path) -> None:
    database = server.new_database()
    acknowledged: list[str] = []

    def write_until_the_server_dies() -> None:
        try:
            for number in range(100_000):
                database.put(f"d{number}", {"n": number})
                acknowledged.append(f"d{number}")
        except requests.ConnectionError:
            pass

    writer = threading.Thread(target=write_until_the_server_dies)
    writer.start()
    wait_until(lambda: len(acknowledged) >= 200)
    server.kill()
    writer.join()

    again = start(data)
    found = _moved(database, again).get("_all_docs")
    again.stop()
    ids = {row["id"] for row in found["rows"]}
    assert set(acknowledged) <= ids
    assert len(ids) <= len(acknowledged) + 1
    assert found["total_rows"] == len(ids)


def test_an_upload_that_a_kill_cuts_off_is_invisible(server: Server, data: Path) -> None:
    database = server.new_database()
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        head = (
            f"PUT /{database.name}/half/audio HTTP/1.1\r\nHost: x\r\nContent-Type: audio/mpeg\r\n"
            f"Authorization: {_basic_auth_str(*ADMIN)}\r\nContent-Length: 2000000\r\n\r\n"
        )
        connection.sendall(head.encode() + b"x" * 1_000_000)
        database.put("after", {})
        server.kill()

    again = start(data)
    found = _moved(database, again).get("_all_docs")
    again.stop()
    assert [row["id"] for row in found["rows"]] == ["after"]


def test_an_upload_that_a_kill_catches_being_stored_is_there_whole_or_not_at_all(server: Server, data: Path) -> None:
    database = server.new_database()
    content = os.urandom(1 << 20) * 48
    upload = threading.Thread(target=_upload, args=(database, content))
    upload.start()
    wait_until(lambda: sum(file.stat().st_size for file in data.iterdir()) > 4 << 20)
    server.kill()
    upload.join()

    again = start(data)
    moved = _moved(database, again)
    answer = moved.client.get(f"{moved.url}/big/audio")
    again.stop()
    if answer.status_code == 200:
        assert hashlib.sha256(answer.content).digest() == hashlib.sha256(content).digest()
    else:
        assert answer.json() == {"error": "not_found", "reason": "missing"}


def test_documents_views_and_attachments_are_found_again_after_a_restart(server: Server, data: Path) -> None:
    database = server.new_database()
    database.design("d", v="function(doc){ emit(doc.n, null); }")
    rev = database.put("one", {"n": 1})
    database.client.put(f"{database.url}/one/audio?rev={rev}", data=b"sound")
    assert database.get("_design/d/_view/v")["total_rows"] == 1
    assert server.stop() == 0

    again = start(data)
    moved = _moved(database, again)
    assert moved.get("_design/d/_view/v", key=1)["rows"][0]["id"] == "one"
    assert moved.client.get(f"{moved.url}/one/audio").content == b"sound"
    assert moved.name in session().get(f"{again.url}/_all_dbs").json()
    again.stop()


def test_a_deleted_database_stays_deleted_after_a_restart(server: Server, data: Path) -> None:
    database = server.new_database()
    database.client.delete(database.url)
    server.kill()

    again = start(data)
    assert session().get(f"{again.url}/_all_dbs").json() == []
    again.stop()


def test_a_second_server_on_the_same_data_is_refused_in_plain_words(server: Server, data: Path) -> None:
    second = subprocess.run(command(data), cwd=PROJECT, capture_output=True, text=True, timeout=20, check=False)

    assert second.returncode == 1
    assert second.stderr.strip() == f"Another embedded CouchDB uses the data directory {data}."
    assert session().get(f"{server.url}/_up").json()["status"] == "ok"


def test_it_writes_its_port_to_a_file_when_it_takes_requests(data: Path, tmp_path: Path) -> None:
    running = start(data, "--port-file", str(tmp_path / "port"))

    assert running.url == f"http://127.0.0.1:{(tmp_path / 'port').read_text()}"
    running.stop()


def test_its_banner_says_that_it_is_no_production_database(data: Path) -> None:
    running = start(data)
    assert running.process.stdout is not None
    running.stop()

    assert "NO production database" in running.process.stdout.read()


def test_it_wants_an_account(data: Path) -> None:
    refused = subprocess.run(
        command(data)[:-2],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "EMBEDDED_COUCHDB_ADMIN"},
    )

    assert refused.returncode == 2
    assert "EMBEDDED_COUCHDB_ADMIN" in refused.stderr


def _moved(database: Database, server: Server) -> Database:
    return Database(f"{server.url}/{database.name}", session())


def _upload(database: Database, content: bytes) -> None:
    try:
        database.client.put(f"{database.url}/big/audio", data=content)
    except requests.ConnectionError:
        return
