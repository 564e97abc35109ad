"""Files in forms of the desk, and what its pages say of them."""

import re


def file(content: bytes, name: str = "voice.mp3", kind: str = "audio/mpeg") -> dict[str, tuple[str, bytes, str]]:
    """The form's file, for ``Desk.post(files=...)``."""
    return {"file": (name, content, kind)}


def error_at(page: str, field: str) -> str:
    """The text of a field's error; empty if it has none."""
    match = re.search(rf'<ul class="errorlist" id="id_{field}_error">(.*?)</ul>', page, re.DOTALL)
    return re.sub(r"<[^>]+>", "", match[1]) if match else ""
