"""What can be wrong with documents, counted by kind while they are read."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from doctor.findings import Finding, Severity, count

_KEPT_PATHS = 1_000


class Kind(NamedTuple):
    """A kind of fault: how bad it is, and the words for it."""

    severity: Severity
    singular: str
    """What follows "1"."""
    plural: str
    advice: str


KINDS: dict[str, Kind] = {
    "message_without_audio": Kind(
        Severity.WARNING,
        "message has no audio.",
        "messages have no audio.",
        "If a backup has their audio, upload it (PUT …/raw); else remove them, or leave them as notes of calls.",
    ),
    "message_audio_lost": Kind(
        Severity.ERROR,
        "message links to audio that is not there.",
        "messages link to audio that is not there.",
        "Restore the documents with the audio from a backup, or remove the messages.",
    ),
    "message_audio_empty": Kind(
        Severity.WARNING,
        "message has audio of 0 bytes.",
        "messages have audio of 0 bytes.",
        "Nothing was recorded, or it was lost: remove them, or upload the audio from a backup.",
    ),
    "message_of_no_mailbox": Kind(
        Severity.WARNING,
        "message is of a mailbox that there is not, or was removed: nobody sees it.",
        "messages are of mailboxes that there are not, or were removed: nobody sees them.",
        "Restore the mailbox at the desk (Mailboxes, removed), or from a backup; else leave them to retention.",
    ),
    "message_in_wrong_month": Kind(
        Severity.ERROR,
        "message is in the database of another month than its id says: it can be listed but not read.",
        "messages are in the database of another month than their ids say: they can be listed but not read.",
        "Copy them with their audio to the database of the month in their ids, and delete them here.",
    ),
    "document_of_another_account": Kind(
        Severity.ERROR,
        "document says that it is another account's.",
        "documents say that they are another account's.",
        "Correct pvt_account_id and pvt_account_db if it is the account's own; else move it to where it belongs.",
    ),
    "mailbox_number_twice": Kind(
        Severity.ERROR,
        "number belongs to several mailboxes: which of them gets the calls is chance.",
        "numbers belong to several mailboxes each: which of them gets the calls is chance.",
        "Give all but one of the mailboxes another number, at the desk.",
    ),
    "mailbox_owner_missing": Kind(
        Severity.WARNING,
        "mailbox has an owner that there is not, or was removed.",
        "mailboxes have owners that there are not, or were removed.",
        "Choose another owner at the desk, or none.",
    ),
    "greeting_missing": Kind(
        Severity.WARNING,
        "greeting is of media that there are not, or were removed: callers hear the standard one.",
        "greetings are of media that there are not, or were removed: callers hear the standard ones.",
        "Record the greeting anew or choose another, at the desk; or restore the media.",
    ),
    "greeting_silent": Kind(
        Severity.WARNING,
        "greeting is of media without audio: callers hear the standard one.",
        "greetings are of media without audio: callers hear the standard ones.",
        "Upload audio to the media, or choose another greeting.",
    ),
    "counts_differ": Kind(
        Severity.ERROR,
        "month's view counts other messages than there are.",
        "months' views count other messages than there are.",
        "Run ./manage.py sync_views. If that changes nothing, the index is broken: delete its files "
        "(.shards/…/mrview), and CouchDB builds it anew.",
    ),
    "entries_of_3x": Kind(
        Severity.NOTE,
        "mailbox still has entries of Kazoo 3.x.",
        "mailboxes still have entries of Kazoo 3.x.",
        "They migrate when somebody hears them; ./manage.py migrate_kazoo3 does it for all (docs/migration.md).",
    ),
}


@dataclass
class Faults:
    """The faults of documents read so far: how many of each kind, and the paths of the first ones."""

    counts: dict[str, int] = field(default_factory=dict)
    paths: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, path: str) -> None:
        """Count a fault of a document, which is named by its path in the API."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        paths = self.paths.setdefault(kind, [])
        if len(paths) < _KEPT_PATHS:
            paths.append(path)

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each kind of fault that there is."""
        for key, kind in KINDS.items():
            if number := self.counts.get(key, 0):
                problem = count(number, kind.singular, kind.plural)
                yield Finding(kind.severity, key, problem, kind.advice, tuple(self.paths[key]), total=number)
