"""``manage.py live``: tells browsers what changes, over websockets."""

import asyncio
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from live.server import Server


class Command(BaseCommand):
    """Serves websockets until SIGTERM or Ctrl-C."""

    help = (
        "Tells clients of Kazoo's websocket protocol which documents of their accounts change. Several may run, "
        "behind one proxy: a connection stays with the process that took it."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal ends it."""
        try:
            asyncio.run(Server().run(settings.LIVE_BIND, settings.LIVE_PORT))
        except OSError as error:
            reason = f"port {settings.LIVE_PORT}: {error.strerror}; choose another one by LIVE_PORT"
            raise CommandError(reason) from error
