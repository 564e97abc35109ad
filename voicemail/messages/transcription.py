"""The transcription of a message in words. It comes in the shape that the transcriber of its day gave it."""

from typing import Any

_TEXTS = ("text", "transcript", "transcription")
"""Where a transcription has its text. What stands beside it says how it was made."""
_MAX_LENGTH = 20_000
_MAX_DEPTH = 20


def transcription_text(transcription: Any) -> str:
    """Return what a message's transcription says; without a text, all that it holds, such as an error."""
    return _value_text(transcription)[:_MAX_LENGTH]


def _value_text(value: Any, depth: int = 0) -> str:
    if depth > _MAX_DEPTH or value is None:
        return ""
    if isinstance(value, list):
        return " ".join(filter(None, (_value_text(item, depth + 1) for item in value)))
    if isinstance(value, dict):
        texts = {name: _value_text(member, depth + 1) for name, member in value.items()}
        text = next((texts[name] for name in _TEXTS if texts.get(name)), "")
        return text or ", ".join(f"{name}: {text}" for name, text in texts.items() if text)
    return str(value).strip()
