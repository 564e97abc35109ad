"""Takes the Dockerfile's own steps in an empty folder, without Docker, and tries what comes out.

    COUCHDB_URL=... DATABASE_URL=... SECRET_KEY=... PORT=8009 python3 deploy/try_image.py /tmp/image

It reads deploy/Dockerfile, so the two can't drift apart. COPY copies just what .dockerignore lets through, RUN and
CMD are run with /opt/vmboxes standing for the folder, with an environment of their own where the base image's Python
would be, and as root, CMD runs as the USER. Then HEALTHCHECK has to succeed, and CMD has to have written nothing
outside the VOLUME, as under a read-only root. `--venv FOLDER` takes an environment that is installed already.
"""

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
HOME = "/opt/vmboxes"
_PATIENCE = 60  # seconds


@dataclass
class Image:
    """What the steps so far have made, below a folder that stands for HOME."""

    folder: Path
    venv: Path | None
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    volumes: list[Path] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)

    def here(self, text: str) -> str:
        """A text of the Dockerfile with the folder for HOME."""
        return text.replace(HOME, str(self.folder))

    def take(self, name: str, rest: str) -> None:
        """One instruction; those that mean nothing outside Docker (FROM, EXPOSE, WORKDIR) are left out."""
        step = getattr(self, f"_{name.lower()}", None)
        if step is not None:
            step(self.here(rest))
        elif name not in ("FROM", "EXPOSE", "WORKDIR"):
            sys.exit(f"This script can't take the step {name} {rest}")

    def _copy(self, rest: str) -> None:
        *sources, target = [word for word in rest.split() if not word.startswith("--")]
        for source in sources:
            if "--from=" in rest:
                if not Path(source).exists():
                    sys.exit(f"No stage before made {source}")
            elif (PROJECT / source).is_dir():
                shutil.copytree(PROJECT / source, target, ignore=_ignored)
            elif not _let_through(source):
                sys.exit(f".dockerignore keeps {source} out")
            else:
                Path(target).mkdir(parents=True, exist_ok=True)
                shutil.copy(PROJECT / source, target)

    def _run(self, rest: str) -> None:
        if self.venv is None:
            subprocess.run(["/bin/sh", "-c", rest], check=True, cwd=self.folder, env=self._variables())  # noqa: S603

    def _env(self, rest: str) -> None:
        for pair in shlex.split(rest):
            name, _, value = pair.partition("=")
            self.environment[name] = value.replace("$PATH", os.environ["PATH"])

    def _user(self, rest: str) -> None:
        self.user = rest

    def _volume(self, rest: str) -> None:
        self.volumes.append(Path(rest))

    def _cmd(self, rest: str) -> None:
        self.command = _words(rest)

    def _healthcheck(self, rest: str) -> None:
        self.check = _words(rest.partition("CMD")[2])

    def _variables(self) -> dict[str, str]:
        base = {"PATH": f"{self.folder.parent / 'base' / 'bin'}:{os.environ['PATH']}"}
        return {**os.environ, **base, **self.environment, **_given()}

    def start(self, command: list[str]) -> subprocess.Popen[bytes]:
        """A command of the image, in its environment and as its user."""
        uid, _, gid = self.user.partition(":")
        as_user = {"user": int(uid), "group": int(gid), "extra_groups": []} if _changes_user(self.venv) else {}
        variables = self._variables()
        program = shutil.which(command[0], path=variables["PATH"]) or sys.exit(f"There is no {command[0]}")
        return subprocess.Popen([program, *command[1:]], cwd=self.folder, env=variables, **as_user)  # type: ignore[call-overload,no-any-return]  # noqa: S603

    def files(self) -> set[tuple[str, int]]:
        """Every file outside the volumes, with the time of its last change."""
        found = (path for path in self.folder.rglob("*") if not {path, *path.parents} & set(self.volumes))
        return {(str(path), path.lstat().st_mtime_ns) for path in found if not path.is_dir() or path.is_symlink()}


def main() -> None:
    """Take the steps, try the outcome; the exit status is 0 when all is well."""
    parser = argparse.ArgumentParser(description="Takes the Dockerfile's steps in an empty folder and tries them.")
    parser.add_argument("folder", type=Path, help="where to: it is made, or empty")
    parser.add_argument("--venv", type=Path, help="an environment that is installed already")
    given = parser.parse_args()
    folder = given.folder.absolute()
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} is not empty")
    image = Image(folder / "vmboxes", given.venv)
    image.folder.mkdir()
    _prepare(image)
    for name, rest in steps((PROJECT / "deploy" / "Dockerfile").read_text()):
        print(f"{name} {rest}", flush=True)
        image.take(name, rest)
    _try(image)


def steps(dockerfile: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions, each with all that belongs to it in one line."""
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    whole = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in whole.splitlines()]


def _prepare(image: Image) -> None:
    """What stands for the base image's Python, or the environment that is there already."""
    if image.venv is not None:
        (image.folder / "venv").symlink_to(image.venv.absolute())
        (image.folder / "uploads").mkdir()
    else:
        base = image.folder.parent / "base"
        subprocess.run([sys.executable, "-m", "venv", str(base)], check=True)  # noqa: S603


def _try(image: Image) -> None:
    before = image.files()
    server = image.start(image.command)
    try:
        deadline = time.monotonic() + _PATIENCE
        while image.start(image.check).wait():
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit("HEALTHCHECK never succeeded")
            time.sleep(0.5)
    finally:
        server.terminate()
        status = server.wait()
    if status:
        sys.exit(f"CMD ended with status {status}")
    if written := sorted({path for path, _ in image.files() ^ before}):
        sys.exit(f"CMD wrote outside its volume: {', '.join(written)}")
    print("The image's steps make a service that is healthy and writes nothing outside its volume.")


def _changes_user(venv: Path | None) -> bool:
    """Only root can, and what an environment of root's links to others often can't read."""
    return os.geteuid() == 0 and venv is None


def _given() -> dict[str, str]:
    """What the caller's environment sets of the image's own defaults."""
    return {name: os.environ[name] for name in ("BIND", "PORT") if name in os.environ}


def _words(text: str) -> list[str]:
    """The words of an instruction's JSON form."""
    return re.findall(r'"([^"]*)"', text)


def _let_through(source: str) -> bool:
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    return f"!{source.rstrip('/')}" in lines


def _ignored(folder: str, names: list[str]) -> set[str]:
    """What .dockerignore keeps out of a folder."""
    if not _let_through(Path(folder).relative_to(PROJECT).parts[0]):
        sys.exit(f".dockerignore keeps {folder} out")
    patterns = [line[3:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("**/")]
    return {name for name in names if any(fnmatch(name, pattern) for pattern in patterns)}


if __name__ == "__main__":
    main()
