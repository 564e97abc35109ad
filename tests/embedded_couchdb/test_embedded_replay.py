"""Every step of the recorded conversation with a real CouchDB gets the recorded answer.

With ``COUCHDB_URL=http://user:password@host:port`` the same conversation is held with that server.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.embedded_server import ADMIN, start
from tests.support.recorded_answers import STEPS, Replay, Step, databases, matches, matches_text, without_generated

GIVEN = os.environ.get("COUCHDB_URL")


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """A conversation with a fresh server, or with the one in COUCHDB_URL."""
    if GIVEN:
        yield from _with_given_server(GIVEN)
        return
    server = start(tmp_path_factory.mktemp("replay") / "data")
    yield Replay(server.url, ADMIN)
    server.stop()


def _with_given_server(url: str) -> Iterator[Replay]:
    parts = urlsplit(url)
    account = unquote(parts.username or ""), unquote(parts.password or "")
    conversation = Replay(f"{parts.scheme}://{parts.hostname}:{parts.port}", account)
    _delete_databases(conversation)
    yield conversation
    _delete_databases(conversation)


def _delete_databases(conversation: Replay) -> None:
    for path in databases():
        conversation.client.delete(conversation.url + path, auth=conversation.account)


@pytest.mark.parametrize("step", STEPS, ids=[step["name"].replace(" ", "-") for step in STEPS])
def test_it_answers_as_recorded(replay: Replay, step: Step) -> None:
    recorded = step["answer"]

    answer = replay.ask(step)

    assert answer.status_code == recorded["status"], answer.text
    if "json" in recorded:
        assert_same_json(recorded["json"], answer.json(), replay.generated)
    if "body_base64" in recorded:
        assert answer.content == base64.b64decode(recorded["body_base64"])
    for name, value in recorded.get("headers", {}).items():
        assert matches_text(value, answer.headers.get(name, "")), (name, dict(answer.headers))


def assert_same_json(recorded: Any, actual: Any, generated: set[str]) -> None:
    if GIVEN:
        recorded, actual = without_generated(recorded, actual, generated)
    assert matches(recorded, actual), actual
