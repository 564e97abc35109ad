"""The desk in Django's database: models without a table that permissions refer to, and what operators have."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy, gettext_noop
from django_tasks_db.models import DBTaskResult

from audit.models import Entry


class Account(models.Model):
    """The accounts in CouchDB, for permissions. It has no table."""

    class Meta:
        managed = False
        default_permissions = ("view", "add", "change")
        permissions = (
            ("see_api_key", gettext_noop("Can see an account's API key")),
            ("renew_api_key", gettext_noop("Can renew an account's API key")),
            ("change_retention", gettext_noop("Can change how long an account keeps messages")),
            ("migrate_account", gettext_noop("Can migrate an account's messages from Kazoo 3.x")),
            ("view_health", gettext_noop("Can see the health of the system")),
        )
        verbose_name = gettext_lazy("account")
        verbose_name_plural = gettext_lazy("accounts")


class ApiKey(models.Model):
    """The API keys with scopes, of accounts and their users, for permissions. It has no table."""

    class Meta:
        managed = False
        verbose_name = gettext_lazy("API key")
        verbose_name_plural = gettext_lazy("API keys")


class AccountUser(models.Model):
    """The users of accounts, for permissions. It has no table. The desk's own users are Django's."""

    class Meta:
        managed = False
        verbose_name = gettext_lazy("user of an account")
        verbose_name_plural = gettext_lazy("users of accounts")


class Mailbox(models.Model):
    """The mailboxes, for permissions. It has no table."""

    class Meta:
        managed = False
        permissions = (("see_pin", gettext_noop("Can see and change a mailbox's PIN")),)
        verbose_name = gettext_lazy("mailbox")
        verbose_name_plural = gettext_lazy("mailboxes")


class Message(models.Model):
    """The messages, for permissions. It has no table."""

    class Meta:
        managed = False
        permissions = (("listen_to_message", gettext_noop("Can listen to and download messages")),)
        verbose_name = gettext_lazy("message")
        verbose_name_plural = gettext_lazy("messages")


class Media(models.Model):
    """The greetings and other media, for permissions. It has no table."""

    class Meta:
        managed = False
        verbose_name = gettext_lazy("media")
        verbose_name_plural = gettext_lazy("media")


class Webhook(models.Model):
    """The webhooks of accounts, for permissions. It has no table."""

    class Meta:
        managed = False
        permissions = (("send_webhook", gettext_noop("Can test a webhook, and send events again")),)
        verbose_name = gettext_lazy("webhook")
        verbose_name_plural = gettext_lazy("webhooks")


class Mail(models.Model):
    """The mails of accounts and their templates, for permissions. It has no table."""

    class Meta:
        managed = False
        default_permissions = ("view", "change")
        permissions = (("send_mail", gettext_noop("Can send a mail again")),)
        verbose_name = gettext_lazy("mail")
        verbose_name_plural = gettext_lazy("mails")


class Job(DBTaskResult):  # type: ignore[type-arg]  # not generic when it runs
    """A job of the workers, under a name for people."""

    class Meta:
        proxy = True
        default_permissions = ("view", "change")
        verbose_name = gettext_lazy("job")
        verbose_name_plural = gettext_lazy("jobs")


class OperatorSession(models.Model):
    """A browser that an operator is signed in with. Django's session holds its id; without this row it ends."""

    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    started_at = models.DateTimeField(auto_now_add=True, db_index=True)
    used_at = models.DateTimeField()
    address = models.CharField(max_length=100, blank=True)
    browser = models.CharField(max_length=400, blank=True)
    factor = models.CharField(max_length=40, blank=True, help_text="what the operator signed in with")
    has_second_factor = models.BooleanField(default=False)
    password_tag = models.CharField(max_length=32)

    class Meta:
        default_permissions = ()
        ordering = ("-used_at",)

    def __str__(self) -> str:
        return f"{self.operator} at {self.address}"


class LanguagePreference(models.Model):
    """The language that an operator wants the desk in."""

    operator = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    language = models.CharField(max_length=10, blank=True, help_text="empty: what the browser asks for")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"the language of {self.operator}"


class GroupAccess(models.Model):
    """What signing in takes for the operators of a group, beside Django's group."""

    group = models.OneToOneField("auth.Group", models.CASCADE, primary_key=True, related_name="access")
    needs_second_factor = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.group)


class AccountLimit(models.Model):
    """An account that an operator, or a group's operators, are limited to, with all accounts below it."""

    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="account_limits")
    group = models.ForeignKey("auth.Group", models.CASCADE, null=True, related_name="account_limits")
    account_id = models.CharField(max_length=32)

    class Meta:
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=models.Q(operator__isnull=False, group__isnull=True)
                | models.Q(operator__isnull=True, group__isnull=False),
                name="limit_of_an_operator_or_a_group",
            ),
            models.UniqueConstraint(fields=("operator", "account_id"), name="one_limit_of_an_operator"),
            models.UniqueConstraint(fields=("group", "account_id"), name="one_limit_of_a_group"),
        )

    def __str__(self) -> str:
        return f"{self.operator or self.group}: {self.account_id}"


class OperatorIdentity(models.Model):
    """Who an operator is at the provider of single sign-on."""

    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    issuer = models.CharField(max_length=250)
    subject = models.CharField(max_length=250)

    class Meta:
        default_permissions = ()
        unique_together = ("issuer", "subject")

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"


class RecoveryCode(models.Model):
    """The digest of a code that takes the place of an authenticator app once. The row is removed when it is used."""

    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        unique_together = ("operator", "digest")

    def __str__(self) -> str:
        return f"a recovery code of {self.operator}"


class AuditEntry(Entry):
    """An entry of the audit, of the desk or the API, under a name for people."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = gettext_lazy("audit entry")
        verbose_name_plural = gettext_lazy("audit entries")


class MailboxRun(models.Model):
    """Changes of many mailboxes of an account at once: previewed, and stored by a worker when an operator says so."""

    class State(models.TextChoices):
        """Where a run stands."""

        PREVIEW = "preview", gettext_lazy("preview: nothing is stored yet")
        WAITING = "waiting", gettext_lazy("waiting for a worker")
        STORING = "storing", gettext_lazy("storing")
        DONE = "done", gettext_lazy("done")
        STOPPED = "stopped", gettext_lazy("stopped")

    account_id = models.CharField(max_length=32, db_index=True)
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    title = models.CharField(max_length=200, help_text="the name of the file, or the settings that are changed")
    is_import = models.BooleanField()
    notes: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    header: "models.JSONField[Any, Any]" = models.JSONField(default=list, help_text="of the file, without PINs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PREVIEW)
    problem = models.CharField(max_length=300, blank=True, help_text="why a worker waits")
    request_id = models.CharField(max_length=64, blank=True, help_text="of the request that had it stored")
    language = models.CharField(
        max_length=10, default="en", db_default="en", help_text="of the operator, for what is said of lines"
    )
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()


class MailboxRunLine(models.Model):
    """What becomes of one mailbox in a run: planned, then stored or not."""

    class Result(models.TextChoices):
        """What a line does, or did."""

        CREATE = "create", gettext_lazy("Create")
        CHANGE = "change", gettext_lazy("Change")
        UNCHANGED = "unchanged", gettext_lazy("Nothing to change")
        FAULTY = "faulty", gettext_lazy("Error")
        CREATED = "created", gettext_lazy("Created")
        CHANGED = "changed", gettext_lazy("Changed")
        FAILED = "failed", gettext_lazy("Failed")
        LEFT_OUT = "left_out", gettext_lazy("Left out")

    run = models.ForeignKey(MailboxRun, models.CASCADE, related_name="lines")
    number = models.PositiveIntegerField(help_text="of the line in the file, or a count from 1 on")
    box_id = models.CharField(max_length=250, blank=True)
    name = models.CharField(max_length=250)
    result = models.CharField(max_length=10, choices=Result.choices)
    patch = models.TextField(blank=True, help_text="encrypted: it may hold a PIN. Empty once the run has ended")
    difference: "models.JSONField[Any, Any]" = models.JSONField(default=dict)
    problem = models.TextField(blank=True)
    cells: "models.JSONField[Any, Any]" = models.JSONField(default=list, help_text="of the file, without the PIN")
    is_begun = models.BooleanField(default=False, help_text="whether a worker may have stored it already")

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("run", "number"), name="one_line_of_each_number"),)


class ListPreference(models.Model):
    """What an operator chose for a list: the columns that are hidden, and how many rows a page has."""

    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    list_name = models.CharField(max_length=60)
    hidden_columns: "models.JSONField[Any, Any]" = models.JSONField(default=list)
    page_size = models.PositiveIntegerField(null=True)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("operator", "list_name"), name="one_choice_for_each_list"),)


class TimePreference(models.Model):
    """In which time zone an operator reads times: the customer's if there is a row, else UTC."""

    operator = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")

    class Meta:
        default_permissions = ()


class MessageRun(models.Model):
    """An action on many messages of an account, which a worker does: those of a list, or those of an earlier run."""

    class State(models.TextChoices):
        """Where a run stands."""

        WAITING = "waiting", "waiting for a worker"
        WORKING = "working", "working"
        DONE = "done", "done"
        STOPPED = "stopped", "stopped"

    account_id = models.CharField(max_length=32, db_index=True)
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    action = models.CharField(max_length=20)
    target_id = models.CharField(max_length=250, blank=True, help_text="the mailbox to move or copy to")
    listing: "models.JSONField[Any, Any]" = models.JSONField(
        default=dict, help_text="the query and the times of the list whose messages are all meant"
    )
    next_start_key = models.TextField(blank=True, help_text="of the page to list next")
    is_listed = models.BooleanField(default=False, help_text="whether all messages have their lines")
    undoes = models.ForeignKey("self", models.SET_NULL, null=True, related_name="undone_by")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    problem = models.CharField(max_length=300, blank=True, help_text="why a worker waits")
    request_id = models.CharField(max_length=64, help_text="what the changed documents name")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()


class MessageRunLine(models.Model):
    """What becomes of one message in a run."""

    class Result(models.TextChoices):
        """What was done."""

        PLANNED = "planned", "planned"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        LEFT_OUT = "left_out", "left out"

    run = models.ForeignKey(MessageRun, models.CASCADE, related_name="lines")
    box_id = models.CharField(max_length=250)
    message_id = models.CharField(max_length=250)
    target = models.CharField(max_length=250, blank=True, help_text="where an undoing run puts it: mailbox or folder")
    result = models.CharField(max_length=10, choices=Result.choices, default=Result.PLANNED)
    is_begun = models.BooleanField(default=False, help_text="whether a worker may have changed it already")
    former_folder = models.CharField(max_length=100, blank=True)
    new_id = models.CharField(max_length=250, blank=True, help_text="of a message that was moved or copied")
    title = models.CharField(max_length=250, blank=True)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("run", "box_id", "message_id"), name="one_line_of_each_message"),
        )
        indexes = (models.Index(fields=("run", "result", "box_id"), name="message_run_lines"),)
