"""``manage.py db_worker``: the worker of django-tasks-db, whose jobs run again elsewhere when it dies."""

from typing import Any

from django_tasks_db.management.commands import db_worker

from events.jobs import signs_of_life


class Command(db_worker.Command):
    """Does jobs until SIGTERM or Ctrl-C."""

    def handle(self, *, worker_id: str, **options: Any) -> None:
        """Run until a signal ends it, and give signs of life."""
        with signs_of_life(worker_id):
            super().handle(worker_id=worker_id, **options)
