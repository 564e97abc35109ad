"""Kazoo's own settings, which hold for the whole system."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from couch.client import couch
from storage import database_names


@contextmanager
def system_settings(name: str, section: Mapping[str, Any]) -> Iterator[None]:
    """Another `default` section of a document in `system_config`, which gets its own back afterwards."""
    config = couch().database(database_names.CONFIG)
    before = config.get(name)
    config.put({**(before or {"_id": name}), "default": {**section}})
    try:
        yield
    finally:
        after = config.get(name)
        assert after is not None
        if before is None:
            config.delete(name, after["_rev"])
        else:
            config.put({**before, "_rev": after["_rev"]})
