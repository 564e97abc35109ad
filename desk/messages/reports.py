"""The report of an action on messages: recorded at each message, and told to the operator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages as notices
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import ngettext

from couch.database import Document
from desk.audit import log
from desk.kit.formats import format_number
from desk.kit.notices import report_failures, undo_button
from desk.mailboxes.titles import mailbox_title
from desk.messages.links import message_list_url, message_subject, message_url
from desk.messages.reasons import describe_reason
from desk.messages.titles import message_titles
from voicemail.mailboxes import store as mailbox_store
from voicemail.messages import metadata
from voicemail.messages.batches import Outcome
from voicemail.messages.folders import NEW


@dataclass(frozen=True)
class Action:
    """Something that can be done with messages."""

    label: Any
    verb: str
    """Its verb in the past tense, for the audit log."""
    destination: str = ""
    """What follows the verb and its object there."""
    done: Any = ""
    """What was done with messages."""
    done_to: Any = ""
    """What was done with messages, and the mailbox that they went to."""
    not_done: Any = ""
    """What was not done with one message, and why."""
    none_done: Any = ""
    """What was not done with several messages."""
    permission: str = "change_message"
    is_restore: bool = False

    def describe(self, count: int, target: str = "") -> str:
        """What was done with so many messages, in a sentence; `target` is the mailbox that they went to."""
        text = self.done_to if target else self.done
        return str(text % {"number": count, "count": format_number(count), "target": target})

    @property
    def past(self) -> str:
        """What was done, for the audit log."""
        return f"{self.verb}{self.destination}"


@dataclass(frozen=True)
class UndoingForm:
    """A form that undoes an action: where it is sent, the action, the messages, and the mailbox to move them to."""

    url: str
    action: str
    messages: Sequence[tuple[str, str]]
    """Their mailboxes' ids and their own."""
    target: str = ""

    def fields(self, next_url: str) -> list[tuple[str, str]]:
        """The fields of the form, which leads to a page."""
        target = [("target", self.target)] if self.target else []
        selected = [("selected", f"{box_id} {message_id}") for box_id, message_id in self.messages]
        return [("action", self.action), ("next", next_url), *target, *selected]


@dataclass
class Report:
    """What became of messages that an operator applied an action to."""

    request: HttpRequest
    account_id: str
    action: Action
    target: Document | None
    """The mailbox that messages were moved or copied to."""
    changed: list[tuple[str, str]] = field(default_factory=list)
    """The changed messages: their mailboxes' ids and their own."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why messages were not changed, by their ids."""
    new_ids: dict[str, str] = field(default_factory=dict)
    """The ids of moved messages, by those that they had before."""
    former_folders: set[str] = field(default_factory=set)
    """The folders that the changed messages were in."""

    def add(self, box_id: str, ids: Sequence[str], outcome: Outcome, before: Mapping[str, Document]) -> None:
        """Record at each changed message of a mailbox what was done to it; `before` has them as they were."""
        box = mailbox_store.find(self.account_id, box_id) or {"_id": box_id}
        reasons = {message_id: reason for failed in outcome.failed for message_id, reason in failed.items()}
        # Messages of Kazoo 3.x have other ids now than in the request.
        current_ids = [*{**outcome.documents, **outcome.new_ids}] or list(dict.fromkeys(ids))
        current_ids = [message_id for message_id in current_ids if message_id not in reasons]
        for message_id in current_ids:
            old, new = before.get(message_id), outcome.documents.get(message_id)
            states = {"before": old, "after": new} if old and new and self.target is None else {}
            details = self._details(message_id, outcome)
            subject = message_subject(self.account_id, box, message_id)
            log.record(self.request, self.action.past, subject, details=details, **states)
        self.former_folders |= {
            metadata.folder(before[message_id]) or NEW for message_id in current_ids if message_id in before
        }
        self.changed += [(box_id, message_id) for message_id in current_ids]
        self.reasons |= reasons
        self.new_ids |= outcome.new_ids

    def _details(self, message_id: str, outcome: Outcome) -> dict[str, Any]:
        new = outcome.documents.get(message_id)
        if self.target is not None:
            place = {"to": mailbox_title(self.target), "to_id": self.target["_id"]}
            new_id = outcome.new_ids.get(message_id)
            return {**place, "new_id": new_id} if new_id else place
        return {"folder": metadata.folder(new)} if self.action.is_restore and new else {}

    def send(self, undoing: UndoingForm | None) -> None:
        """Tell the operator about changed and failed messages, and offer to undo the action if there is a form."""
        if self.changed:
            text = self.action.describe(len(self.changed), mailbox_title(self.target) if self.target else "")
            parts = [text, self._link_to_target()]
            if undoing is not None:
                parts.append(undo_button(self.request, undoing.url, undoing.fields(self.request.get_full_path())))
            notices.success(self.request, format_html_join(" ", "{}", ((part,) for part in parts if part)))
        lines = self.failures()
        report_failures(
            self.request,
            self.action.none_done % {"count": len(lines)},
            lines,
        )

    def failures(self) -> list[str]:
        """A sentence for each message that was not changed."""
        titles = message_titles(self.account_id, list(self.reasons))
        return [
            self.action.not_done % {"message": titles[message_id], "reason": describe_reason(reason)}
            for message_id, reason in self.reasons.items()
        ]

    def _link_to_target(self) -> str:
        """A link to a message where it is now, or to the mailbox that several were moved or copied to."""
        if self.target is None:
            return ""
        url = message_list_url(self.account_id, self.target["_id"])
        if len(self.new_ids) == 1:
            (new_id,) = self.new_ids.values()
            url = message_url(self.account_id, self.target["_id"], new_id)
        text = ngettext("Show it there", "Show them there", len(self.changed))
        return format_html('<a href="{}">{}</a>', url, text)
