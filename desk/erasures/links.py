"""Where the pages of deletions for good are, and what these are called."""

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import account_index
from desk.accounts.links import account_url
from desk.audit.log import Subject
from desk.kit.pages import Crumb
from desk.mailboxes.links import mailbox_url
from desk.mailboxes.titles import mailbox_title
from desk.messages.links import message_url
from desk.users.links import user_url
from desk.users.titles import user_title
from erasure import scan
from erasure.models import Erasure
from voicemail.mailboxes import store as mailbox_store

Kind = Erasure.Kind


def erasure_list_url() -> str:
    """The URL of the list of deletions for good."""
    return reverse("admin:erasure_erasure_changelist")


def erasure_url(erasure: Erasure) -> str:
    """The URL of the page of a deletion for good."""
    return reverse("admin:erasure_erasure_detail", args=[erasure.pk])


def erasure_crumbs() -> list[Crumb]:
    """The breadcrumb of the list."""
    return [(_("Deletions for good"), erasure_list_url())]


def erasure_subject(erasure: Erasure) -> Subject:
    """What is deleted, as the subject of an audit entry: by its id, without a name."""
    return Subject(erasure.kind, erasure.account_id, erasure.document_id or f"caller {erasure.pk}", "")


def subject_url(kind: str, account_id: str, document_id: str, mailbox_id: str = "") -> str:
    """The URL of the page of what is deleted."""
    if kind == Kind.MESSAGE:
        return message_url(account_id, mailbox_id, document_id)
    if kind == Kind.MAILBOX:
        return mailbox_url(account_id, document_id)
    if kind == Kind.USER:
        return user_url(account_id, document_id)
    return account_url(account_id)


def describe_subject(kind: str, account_id: str, document_id: str, mailbox_id: str = "") -> tuple[str, str]:
    """What is deleted, in words, as long as it is stored; and what an operator types to confirm it."""
    own = scan.account_database(account_id)
    if kind == Kind.ACCOUNT:
        account = account_index.database().get(account_id) or {}
        name = " ".join(str(account.get("name") or account_id).split())
        return _("the account “%(name)s”") % {"name": name}, name
    doc = own.get(mailbox_id if kind == Kind.MESSAGE else document_id)
    if doc is None:
        return document_id, document_id
    if kind == Kind.USER:
        word = str(doc.get("username") or document_id)
        return _("the user %(title)s") % {"title": user_title(doc)}, word
    number = mailbox_store.number(doc) or doc["_id"]
    if kind == Kind.MAILBOX:
        return _("the mailbox %(title)s") % {"title": mailbox_title(doc)}, number
    return _("a message in the mailbox %(title)s") % {"title": mailbox_title(doc)}, number
