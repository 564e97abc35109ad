"""Where the lists of the overview are."""

from django.urls import reverse
from django.utils.http import urlencode

DATABASES, FULL_MAILBOXES, ODD_DAYS = "databases", "full-mailboxes", "odd-days"
FAILED_WEBHOOKS, REPEATED_WEBHOOKS = "failed-webhooks", "repeated-webhooks"
FAILED_MAILS, REPEATED_MAILS = "failed-mails", "repeated-mails"
MIGRATIONS, STORAGE = "migrations", "storage"


def overview_list_url(name: str, **query: str) -> str:
    """The URL of a list, with parameters in its query."""
    url = reverse("admin:desk_account_overview_list", args=[name])
    return f"{url}?{urlencode(query)}" if query else url


def jobs_url(status: str) -> str:
    """The URL of the list of the jobs in a state of django-tasks."""
    return f"{reverse('admin:desk_job_changelist')}?{urlencode({'status__exact': status})}"
