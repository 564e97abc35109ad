"""Backup files: which database a file is of, and parsing wherever reads end."""

import base64
from pathlib import Path

import pytest

from migration.backups.attachments import AttachmentExtractor, Base64Stream
from migration.backups.file_names import parse_path
from migration.backups.parsing import parse_documents
from storage import database_names
from tests.support.backup_formats import SlowBytes, SlowFile
from tests.support.kazoo3 import new_id


@pytest.mark.parametrize(
    ("pattern", "month"),
    [
        ("account%2F{a}%2F{b}%2F{rest}.json", None),
        ("account%252F{a}%252F{b}%252F{rest}", None),
        ("account/{a}/{b}/{rest}.jsonl.gz", None),
        ("2016-05-01_account_{a}_{b}_{rest}-201605.txt", "201605"),
        ("prod-account-{a}-{b}-{rest}.couchbackup", None),
        ("{a}{b}{rest}.json", None),
    ],
)
def test_file_name_states_an_accounts_database(pattern: str, month: str | None) -> None:
    account_id = new_id()
    name = pattern.format(a=account_id[:2], b=account_id[2:4], rest=account_id[4:])
    database = database_names.modb(account_id, month) if month else database_names.account_db(account_id)
    assert parse_path(name).database == database  # type: ignore[union-attr]


def test_file_name_states_a_database_of_the_system_or_none() -> None:
    assert parse_path("accounts.json.gz") == ("accounts", None)
    assert parse_path("backups/system_config.txt") == ("system_config", None)
    assert parse_path("2016-05-01.json") is None


@pytest.mark.parametrize("piece_size", [1, 7, 4096, 1 << 20])
@pytest.mark.parametrize("size", [0, 1, 3071, 3072, 3073, 300_001])
def test_attachments_are_found_wherever_reads_end(tmp_path: Path, size: int, piece_size: int) -> None:
    content = (bytes(range(256)) * 1200)[:size]
    data = base64.b64encode(content).decode().replace("/", "\\/")
    path = tmp_path / "file"
    path.write_text('{"_id": "a", "quoted": "\\\\\\"' + "B" * 5000 + ' .", "data": "' + data + '"}\n{"_id": "b"}\n')
    extractor = AttachmentExtractor(SlowBytes(path.read_bytes(), piece_size))
    first, second = parse_documents(extractor, pytest.fail)
    assert first["quoted"] == '\\"' + "B" * 5000 + " ."
    assert second == {"_id": "b"}
    text_range = extractor.find_range(first["data"])
    if text_range is None:
        assert base64.b64decode(first["data"]) == content
    else:
        assert (text_range.length, Base64Stream(path, text_range).read()) == (len(content), content)


@pytest.mark.parametrize("piece_size", [1, 2, 5, 7, 11, 4096])
def test_broken_characters_are_replaced_wherever_reads_end(tmp_path: Path, piece_size: int) -> None:
    escapes = rb"\ud83d\ude00 \ud800 \\ud800 \\\ud800\ud800\udc00 \udfff " + b"\xff" + rb" \n\u0041\"" + rb"\\" * 30
    repaired = ['\U0001f600 \ufffd \\ud800 \\\ufffd\U00010000 \ufffd \ufffd \nA"' + "\\" * 30, "ä"]
    path = tmp_path / "file"
    filler = b'{"_id":"filler","text":"' + b"x " * 600_000 + b'"}'
    path.write_bytes(b'{"docs":[' + filler + b',{"_id":"a","text":["' + escapes + '","ä"]}]}'.encode())
    warnings: list[str] = []
    with path.open("rb") as file:
        slow_file = SlowFile(AttachmentExtractor(file), piece_size, beginning=1_100_000)
        _, doc = parse_documents(slow_file, warnings.append)
    assert (doc["text"], warnings) == (repaired, [])
