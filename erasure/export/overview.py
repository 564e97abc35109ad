"""The parts of an export that a person reads: a page with all that is held, and the messages as a table."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.template.loader import render_to_string

from couch.database import Document
from crossbar.csv_renderer import format_cell
from storage import gregorian, values

UNREADABLE = "the recording can't be read"
_COLUMNS = ("time", "from", "name", "to", "folder", "seconds", "transcription", "audio", "document")


class Line(NamedTuple):
    """A document in an export."""

    kind: str
    members: Document
    path: str
    audio_path: str
    problem: str


def messages_csv(lines: Sequence[Line]) -> bytes:
    """The messages as CSV for spreadsheets, with a byte order mark by which these know that it is UTF-8."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(_COLUMNS)
    for line in lines:
        if line.kind == "message":
            row = _message_row(line)
            writer.writerow([format_cell(row[column]) for column in _COLUMNS])
    return file.getvalue().encode("utf-8-sig", errors="replace")


def index_html(title: str, now: datetime, lines: Sequence[Line], mails: int, actions: int) -> bytes:
    """The page that lists everything in an export, and says where it is kept and for how long."""
    context: dict[str, Any] = {
        "title": title,
        "now": now,
        "messages": [_message_row(line) for line in lines if line.kind == "message"],
        "documents": [_document_row(line) for line in lines if line.kind != "message"],
        "mails": mails,
        "actions": actions,
        "mail_log_days": settings.MAIL_LOG_DAYS,
        "wait_days": settings.ERASURE_WAIT_DAYS,
    }
    return render_to_string("erasure/export.html", context).encode(errors="replace")


def _message_row(line: Line) -> dict[str, Any]:
    members = line.members
    length = values.as_integer(members.get("length"))
    transcription = members.get("transcription")
    text = transcription.get("text") if isinstance(transcription, dict) else ""
    return {
        "time": _format_time(members.get("timestamp")),
        "from": members.get("caller_id_number") or members.get("from") or "",
        "name": members.get("caller_id_name") or "",
        "to": members.get("to") or "",
        "folder": "removed" if members.get("removed") else members.get("folder") or "",
        "seconds": "" if length is None else round(length / 1000, 1),
        "transcription": text or "",
        "audio": line.audio_path or line.problem,
        "audio_path": line.audio_path,
        "document": line.path,
    }


def _document_row(line: Line) -> dict[str, Any]:
    name = line.members.get("name") or line.members.get("username") or line.members.get("id") or ""
    return {"kind": line.kind, "name": name, "document": line.path, "audio_path": line.audio_path}


def _format_time(seconds: object) -> str:
    number = values.as_integer(seconds)
    if number is None or not gregorian.FIRST <= number <= gregorian.LAST:
        return ""
    return f"{gregorian.to_datetime(number):%Y-%m-%d %H:%M:%S}"
