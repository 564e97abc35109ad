"""A shell with the real curl in it, as those have it who paste a command from a document."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What ``curl -v`` told: the last status and headers (names in lower case), and the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The envelope."""
        envelope: dict[str, Any] = json.loads(self.body)
        return envelope


@dataclass(frozen=True)
class Shell:
    """Runs commands in a folder, where the files are that they name."""

    folder: Path

    def __call__(self, command: str, filled_in: dict[str, str]) -> Answer:
        """Run a ``curl -v`` command, its placeholders filled in, and read what it printed."""
        for placeholder, value in filled_in.items():
            command = command.replace(placeholder, value)
        # Neither a proxy, nor the settings of whoever runs the tests, nor a progress meter may come between.
        (self.folder / ".curlrc").write_text('noproxy = "*"\nsilent\nshow-error\n')
        environment = {**os.environ, "CURL_HOME": str(self.folder), "HOME": str(self.folder)}
        ended = subprocess.run(
            ["sh", "-c", command], cwd=self.folder, env=environment, capture_output=True, timeout=120
        )
        told = ended.stderr.decode(errors="replace")
        assert ended.returncode == 0, told
        heads = re.findall(r"^< HTTP/[\d.]+ (\d+).*\r?\n((?:< .*\r?\n)*)", told, re.MULTILINE)
        assert heads, told
        status, lines = heads[-1]
        pairs = (line[2:].split(":", 1) for line in lines.splitlines() if ":" in line)
        return Answer(int(status), {name.lower(): value.strip() for name, value in pairs}, ended.stdout)
