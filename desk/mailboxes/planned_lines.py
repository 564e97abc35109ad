"""Lines of a run: what each does to its mailbox, or why it can't, as a preview shows it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.differences import differences
from couch.database import Document
from crossbar.errors import ValidationFailed
from desk.kit.errors import field_errors
from desk.mailboxes.titles import mailbox_title
from voicemail.mailboxes import store as mailbox_store
from voicemail.mailboxes.bulk import NumberUsed, Plan, TooManyMailboxes

_SHORT_PIN = gettext_lazy(
    "Spreadsheets drop zeros at the start: format the column as text, or write an apostrophe in front."
)


@dataclass(frozen=True)
class Rights:
    """What the operator of a run may do."""

    create: bool
    change: bool
    see_pin: bool
    view_users: bool


@dataclass(frozen=True)
class PlannedLine:
    """A line: which mailbox it is about, and what it changes, or the problem that it has."""

    number: int
    name: str
    box_id: str = ""
    is_new: bool = False
    patch: Document = field(default_factory=dict)
    difference: Document = field(default_factory=dict)
    problem: str = ""


def plan_line(
    plan: Plan,
    number: int,
    name: str,
    box: Document | None,
    patch: Document,
    rights: Rights,
    describe_line: Callable[[str], str | None] = lambda box_id: None,
) -> PlannedLine:
    """Plan to merge a patch into a mailbox, or a new one if there is none.

    `describe_line` says which line of a file is about a mailbox with an id, if one is.
    """
    box_id = box["_id"] if box is not None else None
    title = mailbox_title(box) if box is not None else name
    if box is None and not rights.create:
        return PlannedLine(number, title, problem=_("There is no such mailbox, and you may not create mailboxes."))
    if box is not None and not rights.change:
        return PlannedLine(number, title, problem=_("You may not change mailboxes."))
    try:
        planned = plan.add(box_id, patch)
    except ValidationFailed as error:
        return PlannedLine(number, title, problem=describe_faults(error))
    except NumberUsed as error:
        holder = describe_line(error.holder["_id"]) or (
            _("the mailbox %(mailbox)s") % {"mailbox": mailbox_title(error.holder)}
        )
        problem = _(
            "The number %(number)s is taken: %(holder)s has it. Choose another number, or change that one first."
        ) % {"number": error.number, "holder": holder}
        return PlannedLine(number, title, problem=problem)
    except TooManyMailboxes:
        return PlannedLine(
            number, title, problem=_("The account has as many mailboxes as it may have. Remove some first.")
        )
    if box is None:
        # What a new mailbox has beside that is the schema's defaults.
        set_members = differences({}, patch)
        return PlannedLine(number, mailbox_title(planned.after), planned.box_id, True, patch, set_members)
    changes = difference(planned.before, planned.after)
    return PlannedLine(number, title, planned.box_id, patch=patch, difference=changes)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Document:
    """What differs between a mailbox and what it is to be, with secrets hidden; all that a new one has."""
    shown = mailbox_store.representation(before, secrets=True) if before else {}
    shown.pop("id", None)
    return differences(shown, after)


def describe_faults(error: ValidationFailed) -> str:
    """The faults of a mailbox in sentences, with the settings that have them."""
    sentences = []
    for path, message, value in field_errors(error):
        taken = f" ({value})" if value is not None else ""
        hint = f" {_SHORT_PIN}" if path == "pin" and "minLength" in error.data[path] else ""
        sentences.append(f"{path}: {message.rstrip('.')}{taken}.{hint}")
    return " ".join(sentences)
