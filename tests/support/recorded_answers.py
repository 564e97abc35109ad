"""The recorded conversation with a real CouchDB: its steps, and how answers compare with the recorded."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

Step = dict[str, Any]

ANSWERS = Path(__file__).parents[1] / "embedded_couchdb" / "couchdb-answers.json"
STEPS: list[Step] = json.loads(ANSWERS.read_text())["steps"]


def databases() -> list[str]:
    """The databases that the recording makes, as they stand in a path."""
    return [step["path"] for step in STEPS if step["method"] == "PUT" and step["path"].count("/") == 1]


@dataclass
class Replay:
    """A conversation with one server: revisions saved under a name, and ids that the server made up."""

    url: str
    account: tuple[str, str]
    client: requests.Session = field(default_factory=requests.Session)
    revs: dict[str, str] = field(default_factory=dict)
    generated: set[str] = field(default_factory=set)

    def ask(self, step: Step) -> requests.Response:
        """Send a step's request, with saved revisions in place of their names."""
        headers = {name: self._filled(value) for name, value in step.get("headers", {}).items()}
        body: bytes | None = None
        if "json" in step:
            body = self._filled(json.dumps(step["json"])).encode()
            headers.setdefault("Content-Type", "application/json")
        elif "body_base64" in step:
            body = base64.b64decode(step["body_base64"])
        answer = self.client.request(
            step["method"],
            self.url + self._filled(step["path"]),
            data=body,
            headers=headers,
            auth=self.account if step.get("auth", True) else None,
        )
        if "save_rev_as" in step and answer.ok:
            known = answer.json()
            self.revs[step["save_rev_as"]] = known.get("rev") or known["_rev"]
        if '"id": "*", "rev"' in json.dumps(step["answer"].get("json")):
            self.generated.add(answer.json()["id"])
        return answer

    def _filled(self, text: str) -> str:
        for name, rev in self.revs.items():
            text = text.replace(f"{{{name}}}", rev)
        return text


def matches(expected: Any, actual: Any) -> bool:
    """Whether a JSON value is the recorded one; members that the recording leaves out don't count."""
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(
            name in actual and (_only_presence(name, expected) or matches(value, actual[name]))
            for name, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(actual, list)
            and len(actual) == len(expected)
            and all(matches(*pair) for pair in zip(expected, actual, strict=True))
        )
    if isinstance(expected, str):
        return isinstance(actual, str) and matches_text(expected, actual)
    return type(expected) is type(actual) and bool(expected == actual)


def matches_text(expected: str, actual: str) -> bool:
    """Whether a text is the recorded one; a star stands for anything."""
    before, star, after = expected.partition("*")
    return actual.startswith(before) and actual.endswith(after) if star else actual == expected


def _only_presence(name: str, of: dict[str, Any]) -> bool:
    return name == "reason" and "error" in of


def without_generated(recorded: Any, actual: Any, generated: set[str]) -> tuple[Any, Any]:
    """Two listings without the rows of ids that the server made up: where they stand is chance.

    In a limited listing another row may have taken the place of such a one.
    """
    if not isinstance(recorded, dict) or "rows" not in recorded or "rows" not in actual:
        return recorded, actual
    kept = [row for row in recorded["rows"] if row.get("id") != "*"]
    found = [row for row in actual["rows"] if row.get("id") not in generated]
    if len(kept) < len(recorded["rows"]):
        found = found[: len(kept)]
    return {**recorded, "rows": kept}, {**actual, "rows": found}
