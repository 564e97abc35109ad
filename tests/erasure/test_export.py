"""Exports of all that is held of an account, on the command line."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from storage import gregorian
from tests.support import old_messages
from tests.support.api_client import Account, Api
from tests.support.kazoo_messages import leave_spoken
from tests.support.operators import PIN
from tests.support.servers import Service

AUDIO = b"ID3" + bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def models(service: Service) -> Iterator[None]:
    with service.models():
        yield


def export(path: Path, *arguments: str) -> dict[str, bytes]:
    """The files of an export, by name."""
    call_command("export_personal_data", *arguments, str(path), stdout=io.StringIO())
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_account_is_exported_with_removed_things_and_entries_of_3x_but_without_secrets(
    account: Account, api: Api, tmp_path: Path
) -> None:
    box: dict[str, Any] = api.new_box("3000", pin=PIN)
    message_id = leave_spoken(account, box, gregorian.now(), AUDIO)
    api.delete(f"vmboxes/{box['id']}/messages/{message_id}")
    (entry_id,) = old_messages.add(account, box["id"], [old_messages.make_entry()], b"ID3 old audio")
    path = tmp_path / "export.zip"
    files = export(path, "--account", account.id)
    assert path.stat().st_mode & 0o077 == 0
    assert json.loads(files[f"documents/message-{message_id}.json"])["removed"] is True
    audio = {content for name, content in files.items() if name.startswith("audio/")}
    assert audio >= {AUDIO, b"ID3 old audio"}
    assert entry_id in files["messages.csv"].decode("utf-8-sig")
    assert account.realm in files[f"documents/account-{account.id}.json"].decode()
    text = b"".join(files.values()).decode(errors="replace")
    assert PIN not in text
    assert account.api_key not in text
    with pytest.raises(CommandError, match="exists already"):
        export(path, "--account", account.id)


def test_nothing_is_written_for_somebody_who_does_not_exist(account: Account, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    for arguments in (["--account", "0" * 32], ["--user", f"{account.id}/{'0' * 32}"], ["--caller", "nobody"]):
        with pytest.raises(CommandError, match="no such"):
            export(path, *arguments)
    assert not path.exists()
