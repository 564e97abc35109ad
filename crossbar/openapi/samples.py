"""Samples of answers: envelopes as they are sent, with nothing in them that changes from one time to the next."""

from typing import Any

from crossbar.envelope_format import build_envelope

REVISION = "2-7051cbe5260768991fa3a2ea8b4ff8a5"


def enveloped(data: Any, status: str = "success", **beside: Any) -> dict[str, Any]:
    """A sample of an answer with this data, and what stands beside it."""
    whole = build_envelope(
        data, status=status, request_id="6f1a0a5e3c6e4d1f8f2a7b1d4c9e0b35", auth_token=None, **beside
    )
    return whole | {"timestamp": "2026-05-09T10:04:07Z", "node": "vmboxes@voicemail.example.com"}
