"""The sections of the bar at the side: the desk's own, those of an account, of the system and of the operators."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from desk.accounts.links import account_list_url, account_url
from desk.api_keys.links import key_list_url
from desk.kit.navigation import Group, Section, register
from desk.mailboxes.links import mailbox_list_url
from desk.mails.links import mail_list_url
from desk.media.links import media_list_url
from desk.messages.links import all_messages_url
from desk.migration_runs.links import account_migration_url
from desk.users.links import user_list_url
from desk.webhooks.links import webhook_list_url

_VIEW = "desk.view_account"


def _retention_url(account_id: str) -> str:
    return f"{account_url(account_id)}#retention-heading"


def _history_url(account_id: str) -> str:
    return reverse("admin:desk_account_history", args=[account_id])


register(
    Group.DESK,
    Section(_("Home"), "house", lambda: reverse("admin:index"), ("index",)),
    Section(_("Accounts"), "building-2", account_list_url, ("desk_account_changelist", "desk_account_add"), (_VIEW,)),
)
register(
    Group.ACCOUNT,
    Section(_("Overview"), "layout-dashboard", account_url, ("desk_account_",), (_VIEW,)),
    Section(_("Users"), "users", user_list_url, ("desk_accountuser_",), ("desk.view_accountuser",)),
    Section(_("Mailboxes"), "mailbox", mailbox_list_url, ("desk_mailbox_",), ("desk.view_mailbox",)),
    Section(_("Messages"), "inbox", all_messages_url, ("desk_message_",), ("desk.view_message",)),
    Section(_("Greetings and media"), "audio-lines", media_list_url, ("desk_media_",), ("desk.view_media",)),
    Section(_("Webhooks"), "webhook", webhook_list_url, ("desk_webhook_",), ("desk.view_webhook",)),
    Section(_("API keys"), "key-round", key_list_url, ("desk_apikey_",), ("desk.view_apikey",)),
    Section(_("Mails"), "mail", mail_list_url, ("desk_mail_",), ("desk.view_mail",)),
    Section(_("Migration"), "arrow-right-left", account_migration_url, ("migration_migrationrun_",), (_VIEW,)),
    Section(_("Retention"), "timer", _retention_url, ("desk_account_retention",), (_VIEW,)),
    Section(_("History"), "history", _history_url, ("desk_account_history",), (_VIEW,)),
)
register(
    Group.SYSTEM,
    Section(
        _("Health"),
        "activity",
        lambda: reverse("admin:desk_account_health"),
        ("desk_account_health",),
        ("desk.view_health",),
    ),
    Section(
        _("Migrations"),
        "arrow-right-left",
        lambda: reverse("admin:migration_migrationrun_changelist"),
        ("migration_migrationrun_changelist",),
        (_VIEW,),
    ),
    Section(
        _("Jobs"),
        "list-checks",
        lambda: reverse("admin:desk_job_changelist"),
        ("desk_job_",),
        ("desk.view_job", "desk.change_job"),
        needs_everything=True,
    ),
    Section(
        _("Deletions for good"),
        "trash-2",
        lambda: reverse("admin:erasure_erasure_changelist"),
        ("erasure_erasure_",),
        ("erasure.view_erasure", "erasure.erase_for_good"),
    ),
    Section(
        _("Audit log"),
        "scroll-text",
        lambda: reverse("admin:desk_auditentry_changelist"),
        ("desk_auditentry_",),
        ("desk.view_auditentry",),
    ),
)
register(
    Group.OPERATORS,
    Section(
        _("Operators"),
        "user-cog",
        lambda: reverse("admin:auth_user_changelist"),
        ("auth_user_", "colleague_sessions", "reset_second_factor"),
        ("auth.view_user", "auth.change_user"),
    ),
    Section(
        _("Groups"),
        "shield",
        lambda: reverse("admin:auth_group_changelist"),
        ("auth_group_",),
        ("auth.view_group", "auth.change_group"),
        needs_everything=True,
    ),
)
