"""This project's views in databases that Kazoo made."""

from couch.client import Database
from couch_views.loader import KAZOO_DOCUMENTS
from couch_views.sync import sync
from storage import database_names


def add_views(database: Database, design: str) -> bool:
    """Add this project's views to an account's database or MODb; whether it lacked any.

    Views of a design document of Kazoo's (`design`, without ``_design/``) are left to ``manage.py sync_views``.
    """
    name = database_names.split(database.name)
    if name is None or f"_design/{design}" in KAZOO_DOCUMENTS or not database.exists():
        return False
    return bool(sync(database, "account" if name.month is None else "modb"))
