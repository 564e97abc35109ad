"""The operators' desk as a Django app."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy


class DeskConfig(AppConfig):
    """The desk. Its documents are in CouchDB; permissions and audit log are in Django's database."""

    name = "desk"
    verbose_name = gettext_lazy("Desk")

    def ready(self) -> None:
        """Have other rooms call the desk: for groups, sessions, the holders of tickets, and what was erased."""
        from desk.erasures import traces
        from desk.operators import groups, listening, receivers
        from live import tickets

        post_migrate.connect(groups.create_missing_groups, dispatch_uid="desk.groups")
        user_logged_in.connect(receivers.begin_session, dispatch_uid="desk.begin_session")
        user_logged_out.connect(receivers.end_session, dispatch_uid="desk.end_session")
        tickets.register_check(listening.may_listen)
        traces.connect()
