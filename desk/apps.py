"""The operators' desk as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy


class DeskConfig(AppConfig):
    """The desk. Its documents are in CouchDB; permissions and audit log are in Django's database."""

    name = "desk"
    verbose_name = gettext_lazy("Desk")

    def ready(self) -> None:
        """Have other rooms call the desk about what was erased."""
        from desk.erasures import traces

        traces.connect()
