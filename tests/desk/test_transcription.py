"""Transcriptions in the shapes of different transcribers, as the desk shows them."""

from typing import Any

import pytest

from voicemail.messages.transcription import transcription_text


@pytest.mark.parametrize(
    ("transcription", "text"),
    [
        ({"result": "success", "text": "Call me back."}, "Call me back."),
        ({"text": "Call me back."}, "Call me back."),
        ("Call me back.", "Call me back."),
        ({"transcript": "Call me back.", "confidence": 0.9}, "Call me back."),
        ([{"text": "Call me"}, {"text": "back."}], "Call me back."),
        (["Call me", None, "back."], "Call me back."),
        ({"result": "success", "text": [{"text": "Call me"}, "back."]}, "Call me back."),
        ({"result": "error", "text": ""}, "result: error"),
        ({"error": {"code": 503, "message": "busy"}}, "error: code: 503, message: busy"),
        ({"result": "no_provider"}, "result: no_provider"),
        (7, "7"),
        ({}, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_what_is_there_is_shown(transcription: Any, text: str) -> None:
    assert transcription_text(transcription) == text


def test_a_nest_without_end_is_no_error() -> None:
    nest: Any = "deep"
    for _ in range(900):
        nest = [nest]
    assert transcription_text(nest) == ""
