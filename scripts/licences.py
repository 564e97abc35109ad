"""Prints the licences of the libraries that a lock file names, from what this Python has installed.

python scripts/licences.py requirements.lock > LICENCES.txt
"""

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

_LOCKED = re.compile(r"^([A-Za-z0-9][\w.-]*)==", re.MULTILINE)
_LICENCE_FILE = re.compile(r"(^|/)(licen[cs]e|copying|notice)[^/]*$", re.IGNORECASE)


def main(lock: Path) -> None:
    """Print a heading and the licence texts of each library that is installed here; others are for other systems."""
    for name in _LOCKED.findall(lock.read_text(encoding="utf-8")):
        try:
            library = distribution(name)
        except PackageNotFoundError:
            continue
        print(f"{'=' * 100}\n{library.name} {library.version}: {licence_name(library)}\n{'=' * 100}\n")
        for text in licence_texts(library):
            print(f"{text.strip()}\n")


def licence_name(library: Distribution) -> str:
    """What a library's metadata call its licence."""
    fields = library.metadata
    expression, free_text = ("".join(fields.get_all(name) or []) for name in ("License-Expression", "License"))
    classifiers = [value for value in fields.get_all("Classifier") or [] if value.startswith("License ::")]
    names = ", ".join(value.split(" :: ")[-1] for value in classifiers)
    return expression or names or free_text.partition("\n")[0] or "see its text"


def licence_texts(library: Distribution) -> list[str]:
    """The texts of the licence files that a library brings."""
    files = [file for file in library.files or [] if _LICENCE_FILE.search(str(file)) and ".py" not in file.suffix]
    return [file.read_text(encoding="utf-8") for file in files]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
