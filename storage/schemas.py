"""JSON schemas by name: a document in `system_schemas` overrides the file in the `schemas` folder of an app.

A schema that is changed in CouchDB counts within twice CACHE_SECONDS.
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
from storage import database_names, time_zones
from storage.private_fields import is_live, is_private

logger = logging.getLogger(__name__)

# A compiled schema is made of cached ones, so it may be twice as old, which must stay below 10 seconds.
CACHE_SECONDS = 4
# Anybody may ask for any name, so the caches need a bound.
_MAX_CACHED = 500
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,127}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


@formats.checks("email")
def _is_email(value: object) -> bool:
    """Whether there is something on both sides of one @; more only the mail server knows."""
    return not isinstance(value, str) or _EMAIL.fullmatch(value) is not None


@formats.checks("timezone")
def _is_time_zone(value: object) -> bool:
    """Whether a value names a time zone, or stands for the owner's, else the account's."""
    return not isinstance(value, str) or value == time_zones.INHERIT or time_zones.find(value) is not None


def list_names() -> list[str]:
    """Return the names of all schemas, shipped and stored, in order."""
    try:
        rows = couch().database(database_names.SCHEMAS).all_docs()
    except MissingDatabase:
        rows = []
    stored = (row["id"] for row in rows if _NAME.fullmatch(row["id"]))
    return sorted({*stored, *_shipped_files()})


def get(name: str) -> dict[str, Any]:
    """Return a schema as stored or shipped, with its `_id`; BadIdentifier if there is none of that name.

    It is shared with other callers, who must not change it.
    """
    schema = _find_schema(name)
    if schema is None:
        raise BadIdentifier(name)
    return schema


def validator(name: str) -> SchemaValidator:
    """Return the compiled schema, with the schemas that its `$ref`s name; BadIdentifier if there is none."""
    get(name)  # an unknown name must not take a place in the cache
    return _compile(name)


@cached(TTLCache(maxsize=_MAX_CACHED, ttl=CACHE_SECONDS), lock=Lock())
def _find_schema(name: str) -> dict[str, Any] | None:
    if not _NAME.fullmatch(name):
        return None
    shipped = get_shipped(name)
    stored = couch().database(database_names.SCHEMAS).get(name)
    if not is_live(stored):
        return shipped
    public = {key: value for key, value in stored.items() if key == "_id" or not is_private(key)}
    return public if shipped is None or _is_valid(public) else shipped


@cached(TTLCache(maxsize=_MAX_CACHED, ttl=CACHE_SECONDS), lock=Lock())
def _compile(name: str) -> SchemaValidator:
    return SchemaValidator(get(name), resolve)


def resolve(name: str) -> dict[str, Any]:
    """Return the schema that a `$ref` names; a missing one allows anything, so that the rest still counts."""
    schema = _find_schema(name)
    if schema is None:
        logger.warning("There is no schema %s, to which another one refers", name)
    return schema or {}


def _is_valid(stored: dict[str, Any]) -> bool:
    """Whether a stored schema is draft-04. Kazoo 3.x left draft-03 ones, which can't be used."""
    try:
        Draft4Validator.check_schema(stored)
    except SchemaError as error:
        logger.error(
            "system_schemas/%s is not a draft-04 schema, the shipped one is used: %s", stored["_id"], error.message
        )
        return False
    return True


def get_shipped(name: str) -> dict[str, Any] | None:
    """Return a schema as this project ships it, whatever is stored; None if it ships none of that name."""
    path = _shipped_files().get(name)
    return None if path is None else orjson.loads(path.read_bytes())


@cache
def _shipped_files() -> dict[str, Path]:
    folders = (Path(app.path) / "schemas" for app in apps.get_app_configs())
    return {path.stem: path for folder in folders for path in sorted(folder.glob("*.json"))}
