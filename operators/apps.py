"""The front door of the desk as a Django app."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy


class OperatorsConfig(AppConfig):
    """Operators. Their tables are the desk's and Django's own."""

    name = "operators"
    verbose_name = gettext_lazy("Operators")

    def ready(self) -> None:
        """Have other rooms call this one: for groups, sessions, and the holders of tickets."""
        from live import tickets
        from operators import groups, listening, receivers

        post_migrate.connect(groups.create_missing_groups, dispatch_uid="operators.groups")
        user_logged_in.connect(receivers.begin_session, dispatch_uid="operators.begin_session")
        user_logged_out.connect(receivers.end_session, dispatch_uid="operators.end_session")
        tickets.register_check(listening.may_listen)
