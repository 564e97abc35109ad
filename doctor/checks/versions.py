"""Python, the libraries that requirements.txt pins, and the programs that audio needs."""

import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import imageio_ffmpeg
from django.conf import settings
from packaging.requirements import InvalidRequirement, Requirement

from doctor.findings import Finding, error, note, warning
from doctor.scope import Scope
from media import speech

_OLDEST, _NEWEST = (3, 11), (3, 14)


def check_python(scope: Scope) -> Iterator[Finding]:
    """Yield whether this Python is one of those that the service is for."""
    version = sys.version_info[:2]
    if not _OLDEST <= version <= _NEWEST:
        yield warning(
            "python_untested",
            f"This is Python {version[0]}.{version[1]}; the service is for 3.11 to 3.14, and tested with 3.11.",
            "Make a virtual environment with one of these, and install requirements.txt in it.",
        )


def check_libraries(scope: Scope) -> Iterator[Finding]:
    """Yield the libraries that are missing, or installed in another version than requirements.txt pins."""
    missing, different = [], []
    for requirement in read_requirements(Path(settings.BASE_DIR) / "requirements.txt"):
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            missing.append(str(requirement))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            different.append(f"{requirement.name} {version} in place of {requirement.specifier}")
    install = "Run pip install -r requirements.txt in the environment that the service runs in."
    if missing:
        yield error("library_missing", "Libraries that the service needs are missing.", install, tuple(missing))
    if different:
        problem = "Libraries have other versions than the service is tested with."
        yield warning("library_version", problem, install, tuple(different))


def check_programs(scope: Scope) -> Iterator[Finding]:
    """Yield what is missing of the programs that convert and speak."""
    try:
        imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        yield error(
            "ffmpeg_missing",
            "There is no ffmpeg: audio can't be measured or converted.",
            "Reinstall imageio-ffmpeg, or name a program of version 6 or later in IMAGEIO_FFMPEG_EXE.",
        )
    if not speech.is_installed():
        yield note(
            "espeak_missing",
            "There is no espeak-ng: texts can't be spoken for greetings.",
            "Install it (Debian: apt-get install espeak-ng), or name it in ESPEAK_NG.",
        )


def read_requirements(path: Path) -> list[Requirement]:
    """Return the requirements in a file that apply to this Python. Hashes, options and comments are left out."""
    requirements = []
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        text = line.partition(" #")[0].strip().removesuffix("\\").strip()
        if not text or text.startswith(("#", "-")):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate():
            requirements.append(requirement)
    return requirements
