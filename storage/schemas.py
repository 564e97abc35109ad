"""JSON schemas by name: a document in `system_schemas` goes before the file in the `schemas` folder of an app.

A schema changed in CouchDB is seen within twice CACHE_SECONDS.
"""

import logging
import re
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import orjson
from cachetools import TTLCache, cached
from django.apps import apps
from jsonschema import Draft4Validator
from jsonschema.exceptions import SchemaError

from couch.client import couch
from couch.errors import MissingDatabase
from crossbar.errors import BadIdentifier
from crossbar.schema import SchemaValidator, formats
from storage import database_names
from storage.private_fields import is_live, is_private

logger = logging.getLogger(__name__)

# A compiled schema is made of remembered ones: what is seen may be twice as old, and must not be 10 seconds.
CACHE_SECONDS = 4
# Anybody may ask for any name: what is remembered of that has a bound.
_CACHED_NAMES = 500
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,127}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@formats.checks("email")
def _is_email(value: object) -> bool:
    """Something on both sides of one @: whether mail arrives there, only mail can tell."""
    return not isinstance(value, str) or _EMAIL.fullmatch(value) is not None


def names() -> list[str]:
    """The names of all schemas, shipped and stored, in order."""
    try:
        rows = couch().database(database_names.SCHEMAS).all_docs()
    except MissingDatabase:
        rows = []
    stored = (row["id"] for row in rows if _NAME.fullmatch(row["id"]))
    return sorted({*stored, *_shipped_files()})


def schema(name: str) -> dict[str, Any]:
    """A schema as stored or shipped, with its `_id`, shared with other callers: not to be changed.

    Raises BadIdentifier when there is none of that name.
    """
    found = _schema(name)
    if found is None:
        raise BadIdentifier(name)
    return found


def validator(name: str) -> SchemaValidator:
    """The compiled schema, `$ref`s to other schemas by their names included; BadIdentifier when there is none."""
    schema(name)  # an unknown name is told before it takes a place in the cache
    return _validator(name)


@cached(TTLCache(maxsize=_CACHED_NAMES, ttl=CACHE_SECONDS), lock=Lock())
def _schema(name: str) -> dict[str, Any] | None:
    if not _NAME.fullmatch(name):
        return None
    own = shipped(name)
    stored = couch().database(database_names.SCHEMAS).get(name)
    if stored is None or not is_live(stored):
        return own
    public = {key: value for key, value in stored.items() if key == "_id" or not is_private(key)}
    return public if own is None or _is_valid(public) else own


@cached(TTLCache(maxsize=_CACHED_NAMES, ttl=CACHE_SECONDS), lock=Lock())
def _validator(name: str) -> SchemaValidator:
    return SchemaValidator(schema(name), _referenced)


def _referenced(name: str) -> dict[str, Any]:
    """What a `$ref` names. One to a schema that is nowhere allows anything: the rest of the schema still holds."""
    found = _schema(name)
    if found is None:
        logger.warning("There is no schema %s, which another one refers to", name)
    return found or {}


def _is_valid(stored: dict[str, Any]) -> bool:
    """Whether a stored schema can be used. A 3.x left draft-03 ones, with which nothing could be checked."""
    try:
        Draft4Validator.check_schema(stored)
    except SchemaError as error:
        logger.error("system_schemas/%s is no draft-04 schema, ours is used: %s", stored["_id"], error.message)
        return False
    return True


def shipped(name: str) -> dict[str, Any] | None:
    """A schema as this project ships it, whatever is stored; None when it ships none of that name."""
    path = _shipped_files().get(name)
    return None if path is None else orjson.loads(path.read_bytes())


@cache
def _shipped_files() -> dict[str, Path]:
    folders = (Path(app.path) / "schemas" for app in apps.get_app_configs())
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.json"))}
