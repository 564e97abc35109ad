"""Where the pages of mails and their templates are."""

from django.urls import reverse
from django.utils.translation import gettext as _

from couch.database import Document
from desk.accounts.links import account_crumbs
from desk.audit.log import Subject
from desk.kit.pages import Crumb


def mail_list_url(account_id: str) -> str:
    """The URL of the list of an account's mails."""
    return f"{reverse('admin:desk_mail_changelist')}?account={account_id}"


def mail_url(account_id: str, mail_id: str) -> str:
    """The URL of a mail's page."""
    return reverse("admin:desk_mail_detail", args=[account_id, mail_id])


def templates_url(account_id: str) -> str:
    """The URL of the list of the templates of an account's mails."""
    return reverse("admin:desk_mail_templates", args=[account_id])


def template_url(account_id: str, template_id: str) -> str:
    """The URL of the form of a template."""
    return reverse("admin:desk_mail_template", args=[account_id, template_id])


def mail_list_crumbs(account: Document) -> list[Crumb]:
    """The breadcrumbs of the list of an account's mails."""
    return [*account_crumbs(account), (_("Mails"), mail_list_url(account["_id"]))]


def template_crumbs(account: Document) -> list[Crumb]:
    """The breadcrumbs of the list of templates."""
    return [*mail_list_crumbs(account), (_("Templates"), templates_url(account["_id"]))]


def mail_subject(account_id: str, document_id: str, name: str) -> Subject:
    """A mail or a template as the subject of an audit entry."""
    return Subject("mail", account_id, document_id, name)
