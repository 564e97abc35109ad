"""Files that nobody else on the machine should read or change, and room on its disks."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from django.conf import settings

from doctor.findings import Finding, error, warning
from doctor.scope import Scope

_FORBIDDEN = stat.S_IRWXO | stat.S_IWGRP
_MANAGED = (Path("/run/secrets"), Path("/run/credentials"))
"""Where containers and systemd put secrets: their permissions are theirs to set."""
_LITTLE, _TOO_LITTLE = 0.10, 0.03  # shares of a disk
_MUCH = 20 * 1024**3


def check_permissions(scope: Scope) -> Iterator[Finding]:
    """Yield files with secrets, or with operators' sessions, that others may read or change."""
    secret_files = [path for path in map(Path, settings.SECRET_FILES) if not _is_managed(path)]
    for key, title, paths in (
        ("secret_file_open", "Files with secrets", secret_files),
        ("table_file_open", "Files with Django's tables", list_table_files()),
    ):
        open_paths = [path for path in paths if is_open_to_others(path)]
        if open_paths:
            yield error(
                key,
                f"{title} can be read or changed by others on this machine.",
                "Run chmod o-rwx,g-w on them (--fix does). If others had access, renew what is in them.",
                tuple(map(str, open_paths)),
                partial(_close_files, open_paths),
            )


def check_tables_writable(scope: Scope) -> Iterator[Finding]:
    """Yield whether Django's tables, if they are in a file, can be written."""
    for path in list_table_files()[:1]:
        folder_or_file = path if path.exists() else path.parent
        if not (os.access(folder_or_file, os.W_OK) and os.access(path.parent, os.W_OK)):
            yield error(
                "tables_not_writable",
                f"{path} or its folder can't be written by this user.",
                "Run the doctor as the service's user; if it says the same, give the folder to that user with chown.",
            )


def check_room(scope: Scope) -> Iterator[Finding]:
    """Yield whether uploads and Django's tables have room on this machine's disks."""
    folders = [Path(tempfile.gettempdir()), *(path.parent for path in list_table_files()[:1])]
    yield from find_full_disks(folders, "Uploads wait in TMPDIR, and Django's tables need room: free some.")


def find_full_disks(folders: list[Path], advice: str) -> Iterator[Finding]:
    """Yield the disks of folders that are nearly full, each once."""
    devices = {folder.stat().st_dev: folder for folder in reversed(folders) if folder.exists()}
    for folder in devices.values():
        usage = shutil.disk_usage(folder)
        if usage.free >= _MUCH or usage.free >= _LITTLE * usage.total:
            continue
        problem = f"{usage.free / 1024**3:.1f} of {usage.total / 1024**3:.1f} GiB are free on the disk of {folder}."
        is_urgent = usage.free < _TOO_LITTLE * usage.total
        yield (error if is_urgent else warning)("disk_full", problem, advice)


def list_table_files() -> list[Path]:
    """Return the files of Django's tables, if they are in SQLite: the database first, then those beside it."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] != "django.db.backends.sqlite3":
        return []
    path = Path(database["NAME"])
    return [path, *(path.with_name(path.name + suffix) for suffix in ("-wal", "-shm"))]


def is_open_to_others(path: Path) -> bool:
    """Whether others than the file's owner and group may read it, or others than its owner change it."""
    try:
        if not path.stat().st_mode & _FORBIDDEN:
            return False
        return all(folder.stat().st_mode & (stat.S_IXOTH | stat.S_IXGRP) for folder in path.resolve().parents)
    except OSError:
        return False


def _is_managed(path: Path) -> bool:
    return any(folder in path.parents for folder in _MANAGED)


def _close_files(paths: list[Path]) -> list[str]:
    sentences = []
    for path in paths:
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode & ~_FORBIDDEN)
        sentences.append(f"Changed the permissions of {path} from {mode:04o} to {mode & ~_FORBIDDEN:04o}.")
    return sentences
