"""Archives that mean harm, files that are no backups, and recordings that lie beside their documents."""

import io
import json
import lzma
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from migration.backups.archives import FileReader, Refused
from migration.backups.folder import BackupFolder
from tests.support import backup_formats
from tests.support.backup_formats import write_with_files
from tests.support.kazoo3 import AccountMaker, Kazoo3Account, migrate_kazoo3, speech

MEGABYTE = 1 << 20


def read_files(path: Path, folder: Path, *, free_growth: int = 64 * MEGABYTE) -> tuple[list[str], list[str]]:
    """The paths of the files that a file holds, and sentences about it."""
    folder.mkdir(exist_ok=True)
    sentences: list[str] = []
    reader = FileReader(folder, lambda name, text: sentences.append(text), lambda *_: True, free_growth=free_growth)
    return [file.name for file in reader.read(path, path.name)], sentences


def member(name: str, **fields: Any) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def test_names_and_links_in_an_archive_lead_nowhere(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    entry = kazoo3.add_message(kazoo3.add_box())
    secret = tmp_path / "secret.json"
    secret.write_text('{"_id": "secret"}')
    content = backup_formats.all_docs(list(kazoo3.docs.values()))
    path = tmp_path / "backups" / "backup.tar"
    path.parent.mkdir()
    with tarfile.open(path, "w") as archive:
        for name in ("../../escaped.json", "/tmp/absolute.json", f"{'x' * 300}/\n\x1b[2J.json"):
            archive.addfile(member(name, size=len(content)), io.BytesIO(content))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            archive.addfile(member("link.json", type=kind, linkname=str(secret)))
        for kind in (tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE):
            archive.addfile(member("device.json", type=kind))
    names, _ = read_files(path, tmp_path / "unpacked")
    assert names[:2] == ["backup.tar/escaped.json", "backup.tar/tmp/absolute.json"]
    assert (len(names), names[2].isprintable()) == (3, True)
    assert migrate_kazoo3("--source", str(path)).status == 0
    assert kazoo3.read_audio(kazoo3.stored_message(entry["media_id"])) == speech("hello")
    assert not any(path.exists() for path in (tmp_path / "escaped.json", Path("/tmp/absolute.json")))


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "tar.xz"])
def test_an_archive_that_unpacks_to_far_more_than_a_backup_is_refused(tmp_path: Path, is_zip: bool) -> None:
    files = {"bomb.json": b"[" * 40 * MEGABYTE}
    content = backup_formats.zip_archive(files) if is_zip else backup_formats.tar_xz(files)
    path = tmp_path / "bomb"
    path.write_bytes(content)
    with pytest.raises(Refused, match="bomb unpacks to far more than a backup does: unpack it yourself"):
        read_files(path, tmp_path / "unpacked", free_growth=MEGABYTE)
    assert sum(file.stat().st_size for file in (tmp_path / "unpacked").iterdir()) < 10 * MEGABYTE


def test_archives_in_archives_without_end_are_refused(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    kazoo3.add_box()
    kazoo3.write_backup(tmp_path)
    content = b"{}"
    for number in range(8):
        content = backup_formats.zip_archive({f"{number}.zip": content})
    (tmp_path / "matryoshka.zip").write_bytes(content)
    result = migrate_kazoo3("--source", str(tmp_path))
    assert result.status == 1
    assert "is an archive in too many others" in result.out
    assert kazoo3.database.exists()


def test_a_long_header_of_an_archive_is_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "backup.tar.xz"
    with (
        lzma.open(path, "wb", preset=0) as file,
        tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        archive.addfile(member("a.json", size=2), io.BytesIO(b"{}"))
        archive.addfile(member("b" * 10 * MEGABYTE, size=2), io.BytesIO(b"{}"))
    tracemalloc.start()
    names, sentences = read_files(path, tmp_path / "unpacked")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert names == ["backup.tar.xz/a.json"]
    assert sentences == ["the packed file ends early or is damaged: read up to there"]
    assert peak < 6 * MEGABYTE


def test_damaged_and_encrypted_files_of_an_archive_leave_the_others(tmp_path: Path) -> None:
    path = tmp_path / "backup.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("first.json", "broken.json", "last.json"):
            archive.writestr(name, json.dumps({"_id": name}))
    path.write_bytes(path.read_bytes().replace(b'{"_id": "broken.json"}', b'{"_id": "broken.jsox"}'))
    names, sentences = read_files(path, tmp_path / "unpacked")
    assert ("backup.zip/first.json" in names, "backup.zip/last.json" in names, len(sentences)) == (True, True, 1)


LARGE_FILES = {
    "log": b"\n".join(b'12:00:%02d {"not": json] [x]' % (number % 60) for number in range(400_000)),
    "one line": b"{" + b"x" * 12 * MEGABYTE,
    "other JSON": b'{"features": [' + b",".join([b'{"type": "Feature", "coordinates": [1, 2]}'] * 500_000) + b"]}",
    "binary": bytes(range(256)) * 48_000,
    "zeros": bytes(12 * MEGABYTE),
    "SQL": b"INSERT INTO t VALUES ('{', '[1]');\n" * 300_000,
}


@pytest.mark.parametrize("kind", LARGE_FILES)
def test_a_large_file_in_no_known_format_is_one_sentence(kazoo3: Kazoo3Account, tmp_path: Path, kind: str) -> None:
    kazoo3.add_box()
    kazoo3.write_backup(tmp_path)
    (tmp_path / "large").write_bytes(LARGE_FILES[kind])
    tracemalloc.start()
    folder = BackupFolder(tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    folder.close()
    assert folder.warnings == ["large: it holds no documents in JSON: left out"]
    assert peak < 80 * MEGABYTE


@pytest.mark.parametrize("with_stubs", [True, False], ids=["with stubs", "without"])
@pytest.mark.parametrize("is_archive", [True, False], ids=["archive", "folder"])
def test_recordings_beside_the_json_are_those_of_their_documents(
    new_kazoo3_account: AccountMaker, tmp_path: Path, with_stubs: bool, is_archive: bool
) -> None:
    """Of several accounts each has its own, though their media documents have the same ids."""
    accounts = [new_kazoo3_account() for _ in range(2)]
    for number, account in enumerate(accounts):
        box = account.add_box()
        for index in range(2):
            media = account.add_media(speech(f"{number} {index}"), f"{index:032x}")
            box["messages"].append(account.make_entry(media["_id"]))
        write_with_files(tmp_path / "source" / f"company {number}", account.docs.values(), with_stubs=with_stubs)
    source = tmp_path / "source"
    if is_archive:
        source = tmp_path / "source.tar.gz"
        files = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
        source.write_bytes(backup_formats.tar_gz(files))
    for arguments in ((), ("--verify",)):
        assert migrate_kazoo3("--source", str(source), *arguments).status == 0
    for number, account in enumerate(accounts):
        for index in range(2):
            assert account.read_audio(account.stored_message(f"{index:032x}")) == speech(f"{number} {index}")


@pytest.mark.parametrize("pattern", ["account%2F{a}%2F{b}%2F{rest}", "{a}{b}{rest}", "company {a}"])
def test_recordings_may_be_in_folders_named_like_the_files(
    new_kazoo3_account: AccountMaker, tmp_path: Path, pattern: str
) -> None:
    accounts = [new_kazoo3_account() for _ in range(2)]
    for account in accounts:
        box = account.add_box()
        media = account.add_media(speech(account.id), "1" * 32)
        box["messages"].append(account.make_entry(media["_id"]))
        stem = pattern.format(a=account.id[:2], b=account.id[2:4], rest=account.id[4:])
        write_with_files(tmp_path / stem, account.docs.values(), with_stubs=False)
        (tmp_path / stem / "dump.json").rename(tmp_path / f"{stem}.json")
    assert migrate_kazoo3("--source", str(tmp_path)).status == 0
    for account in accounts:
        assert account.read_audio(account.stored_message("1" * 32)) == speech(account.id)


def test_recordings_that_are_not_what_their_document_says_are_left_out(kazoo3: Kazoo3Account, tmp_path: Path) -> None:
    entries = [kazoo3.add_message(box := kazoo3.add_box(), "right"), kazoo3.add_message(box, "wrong")]
    write_with_files(tmp_path, kazoo3.docs.values())
    (tmp_path / entries[1]["media_id"] / "uploaded_file.mp3").write_bytes(speech("another"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(bytes(100))
    result = migrate_kazoo3("--source", str(tmp_path))
    assert "Files that are neither backups nor recordings of a document are left out (2, such as" in result.out
    assert "1 attachments are named in the backups, but their audio is not in them" in result.out
    assert kazoo3.read_audio(kazoo3.stored_message(entries[0]["media_id"])) == speech("right")
    assert kazoo3.stored_box(box)["messages"][0]["migration_error"] == "no_audio"
