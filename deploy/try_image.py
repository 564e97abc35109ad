"""Runs the Dockerfile's steps in an empty folder, without Docker, and tries the result.

    COUCHDB_URL=... DATABASE_URL=... SECRET_KEY=... PORT=8009 python3 deploy/try_image.py /tmp/image

It reads the steps from deploy/Dockerfile. COPY copies only what .dockerignore lets through. In RUN and CMD the folder
takes the place of /opt/vmboxes, and a virtual environment that of the base image's Python. CMD runs as the USER if
the script runs as root. Then HEALTHCHECK has to succeed, and CMD must not have written anything outside the VOLUME,
as if its root were read-only. `--venv FOLDER` uses an environment that is already installed.
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
_START_TIMEOUT = 60  # seconds


@dataclass
class Image:
    """The result of the steps so far, in a folder that takes the place of HOME."""

    folder: Path
    venv: Path | None
    environment: dict[str, str] = field(default_factory=dict)
    user: str = ""
    volumes: list[Path] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    check: list[str] = field(default_factory=list)

    def replace_home(self, text: str) -> str:
        """Replace HOME in a text of the Dockerfile by the folder."""
        return text.replace(HOME, str(self.folder))

    def run_step(self, name: str, arguments: str) -> None:
        """Run an instruction. Those without a meaning outside Docker (FROM, EXPOSE, WORKDIR) are skipped."""
        step = getattr(self, f"_{name.lower()}", None)
        if step is not None:
            step(self.replace_home(arguments))
        elif name not in ("FROM", "EXPOSE", "WORKDIR"):
            sys.exit(f"This script can't run the step {name} {arguments}")

    def _copy(self, arguments: str) -> None:
        *sources, target = [word for word in arguments.split() if not word.startswith("--")]
        for source in sources:
            if "--from=" in arguments:
                if not Path(source).exists():
                    sys.exit(f"No earlier stage made {source}")
            elif (PROJECT / source).is_dir():
                shutil.copytree(PROJECT / source, target, ignore=_ignored_names)
            elif not _is_let_through(source):
                sys.exit(f".dockerignore keeps {source} out")
            else:
                Path(target).mkdir(parents=True, exist_ok=True)
                shutil.copy(PROJECT / source, target)

    def _run(self, arguments: str) -> None:
        if self.venv is None:
            subprocess.run(["/bin/sh", "-c", arguments], check=True, cwd=self.folder, env=self._variables())  # noqa: S603

    def _env(self, arguments: str) -> None:
        for pair in shlex.split(arguments):
            name, _, value = pair.partition("=")
            self.environment[name] = value.replace("$PATH", os.environ["PATH"])

    def _user(self, arguments: str) -> None:
        self.user = arguments

    def _volume(self, arguments: str) -> None:
        self.volumes.append(Path(arguments))

    def _cmd(self, arguments: str) -> None:
        self.command = _parse_json_form(arguments)

    def _healthcheck(self, arguments: str) -> None:
        self.check = _parse_json_form(arguments.partition("CMD")[2])

    def _variables(self) -> dict[str, str]:
        base = {"PATH": f"{self.folder.parent / 'base' / 'bin'}:{os.environ['PATH']}"}
        return {**os.environ, **base, **self.environment, **_overrides()}

    def start(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a command of the image, in its environment and as its user."""
        uid, _, gid = self.user.partition(":")
        as_user = {"user": int(uid), "group": int(gid), "extra_groups": []} if _changes_user(self.venv) else {}
        variables = self._variables()
        program = shutil.which(command[0], path=variables["PATH"]) or sys.exit(f"There is no {command[0]}")
        return subprocess.Popen([program, *command[1:]], cwd=self.folder, env=variables, **as_user)  # type: ignore[call-overload,no-any-return]  # noqa: S603

    def files(self) -> set[tuple[str, int]]:
        """All files outside the volumes, with the times of their last changes."""
        paths = (path for path in self.folder.rglob("*") if not {path, *path.parents} & set(self.volumes))
        return {(str(path), path.lstat().st_mtime_ns) for path in paths if not path.is_dir() or path.is_symlink()}


def main() -> None:
    """Run the steps and try the result. Exits with status 0 if it works."""
    parser = argparse.ArgumentParser(
        description="Runs the Dockerfile's steps in an empty folder and tries the result."
    )
    parser.add_argument("folder", type=Path, help="an empty folder, created if missing")
    parser.add_argument("--venv", type=Path, help="a virtual environment that is already installed")
    options = parser.parse_args()
    folder = options.folder.absolute()
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"{folder} is not empty")
    image = Image(folder / "vmboxes", options.venv)
    image.folder.mkdir()
    _prepare(image)
    for name, arguments in parse_steps((PROJECT / "deploy" / "Dockerfile").read_text()):
        print(f"{name} {arguments}", flush=True)
        image.run_step(name, arguments)
    _try_image(image)


def parse_steps(dockerfile: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile: names, and arguments without line breaks."""
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    whole = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in whole.splitlines()]


def _prepare(image: Image) -> None:
    """Create the environment for the base image's Python, or link the installed one."""
    if image.venv is not None:
        (image.folder / "venv").symlink_to(image.venv.absolute())
        (image.folder / "uploads").mkdir()
    else:
        base = image.folder.parent / "base"
        subprocess.run([sys.executable, "-m", "venv", str(base)], check=True)  # noqa: S603


def _try_image(image: Image) -> None:
    before = image.files()
    server = image.start(image.command)
    try:
        deadline = time.monotonic() + _START_TIMEOUT
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
    """Whether to run as the image's USER: only root can, and other users often can't read root's own environment."""
    return os.geteuid() == 0 and venv is None


def _overrides() -> dict[str, str]:
    """The image's settings that the caller's environment overrides."""
    return {name: os.environ[name] for name in ("BIND", "PORT") if name in os.environ}


def _parse_json_form(text: str) -> list[str]:
    """The words of an instruction in JSON form."""
    return re.findall(r'"([^"]*)"', text)


def _is_let_through(source: str) -> bool:
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    return f"!{source.rstrip('/')}" in lines


def _ignored_names(folder: str, names: list[str]) -> set[str]:
    """The names in a folder that .dockerignore keeps out."""
    if not _is_let_through(Path(folder).relative_to(PROJECT).parts[0]):
        sys.exit(f".dockerignore keeps {folder} out")
    patterns = [line[3:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("**/")]
    return {name for name in names if any(fnmatch(name, pattern) for pattern in patterns)}


if __name__ == "__main__":
    main()
