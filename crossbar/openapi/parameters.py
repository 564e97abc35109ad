"""Parameters that many operations share, and the headers of their answers. Operations refer to them by name."""

from crossbar.openapi.dialect import Node
from crossbar.pages import DEFAULT_SIZE, MAX_RANGE

# What an operation names of these in its table.
ACCEPT = "accept"
PAGES = ("page_size", "start_key", "paginate", "ascending", "descending")
FILTERS = (
    "filters",
    "has_key",
    "key_missing",
    "has_value",
    "value_missing",
    "missing_value",
    "modified_from",
    "modified_to",
)
TIMES = ("created_from", "created_to")
KNOWN, UNCHANGED, RANGE = "If-None-Match", "If-Match", "Range"

_BOOLEAN: Node = {"type": "boolean"}
_TEXT: Node = {"type": "string"}
_SECONDS: Node = {"type": "integer", "minimum": 0, "maximum": 400_000_000_000}
_FIELD = {**_TEXT, "minLength": 1}
_FILTER = r"^filter_(not_|any_|none_|array_intersect_(any|all|none)_)?[A-Za-z]\w*(\.\w+)*$"
_FILTERS = """
What an entry's fields must hold, all of it ANDed; dots reach into objects, as in `filter_folder=new` or
`filter_not_caller_id.number=1001`:

* `filter_F=V` F is V
* `filter_not_F=V` F is not V
* `filter_any_F=["V","W"]` F is one of these
* `filter_none_F=["V","W"]` F is none of these
* `filter_array_intersect_any_F=[...]`, `..._all_F`, `..._none_F` of a field that is a list: any, all or none of
  these are in it
"""


def query(name: str, description: str, schema: Node, **more: object) -> Node:
    """A parameter of the query."""
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


def header(name: str, description: str, schema: Node) -> Node:
    """A header of a request."""
    return {"name": name, "in": "header", "description": description, "schema": schema}


def path(name: str, description: str, schema: Node) -> Node:
    """A part of the path."""
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def id_in_path(name: str, description: str) -> Node:
    """A part of the path that is the id of a document."""
    return path(name, description, {"type": "string", "minLength": 1, "maxLength": 200})


_ALL = (
    query("pretty", "`true` indents the answer.", _BOOLEAN),
    query(ACCEPT, "Stands for an `Accept` header.", {**_TEXT, "examples": ["text/csv", "audio/mpeg", "*/*"]}),
    query(
        "verb",
        "The verb that the POST stands for: the answer is that of its operation.",
        {"enum": ["GET", "PUT", "PATCH", "DELETE", "POST"]},
    ),
    query(
        "page_size",
        "How many entries a page has at most.",
        {"type": "integer", "minimum": 1, "maximum": 10_000, "default": DEFAULT_SIZE},
    ),
    query("start_key", "Where the page begins: the `next_start_key` of the page before.", {**_TEXT, "minLength": 1}),
    query("paginate", "`false` gives all entries at once.", _BOOLEAN),
    query("ascending", "`true` gives the lowest or oldest entry first.", _BOOLEAN),
    query("descending", "`true` gives the highest or newest entry first.", _BOOLEAN),
    query(
        "created_from",
        f"The earliest time of an entry, in Gregorian seconds: not more than {MAX_RANGE} before `created_to`. "
        "Without it, the range begins with what is kept.",
        _SECONDS,
    ),
    query("created_to", "The latest time of an entry, in Gregorian seconds; otherwise now.", _SECONDS),
    query("modified_from", "The earliest time of an entry's last change, in Gregorian seconds.", _SECONDS),
    query("modified_to", "The latest time of an entry's last change, in Gregorian seconds.", _SECONDS),
    query("has_key", "A field that an entry must have.", _FIELD),
    query("key_missing", "A field that an entry must lack.", _FIELD),
    query("has_value", "A field that must not be empty.", _FIELD),
    query("value_missing", "A field that must be missing or empty.", _FIELD),
    query("missing_value", "The same as `value_missing`.", _FIELD),
    query(
        "filters",
        _FILTERS,
        {"type": "object", "additionalProperties": _TEXT, "propertyNames": {"pattern": _FILTER}, "maxProperties": 40},
        style="form",
        explode=True,
    ),
    header(KNOWN, "Revisions that the client has: for one of these the answer is 304.", {**_TEXT, "minLength": 1}),
    header(
        UNCHANGED,
        "The revision that the change is meant for: if it is no longer current, the answer is 412 and nothing "
        "changes.",
        {**_TEXT, "minLength": 1},
    ),
    header(RANGE, "Which bytes to send.", {**_TEXT, "pattern": r"^bytes=[0-9]{1,9}-[0-9]{0,9}$"}),
    header(
        "X-Request-ID",
        "An id for the request, kept for logs and the answer.",
        {**_TEXT, "pattern": "^[A-Za-z0-9_.-]{1,64}$"},
    ),
)
COMPONENTS = {node["name"]: node for node in _ALL}

HEADERS: dict[str, Node] = {
    "ETag": {"description": "The revision, in quotes.", "required": True, "schema": _TEXT},
    "Location": {
        "description": "Where what was created is.",
        "required": True,
        "schema": {**_TEXT, "format": "uri"},
    },
    "X-Request-ID": {"description": "The request's id.", "required": True, "schema": _TEXT},
    "Content-Disposition": {
        "description": "`attachment` and a file name.",
        "required": True,
        "schema": {**_TEXT, "pattern": "^attachment; filename="},
    },
    "Content-Range": {
        "description": "Which bytes of how many these are.",
        "required": True,
        "schema": {**_TEXT, "pattern": "^bytes [0-9]+-[0-9]+/[0-9]+$"},
    },
    "Accept-Ranges": {"description": "`bytes`.", "required": True, "schema": {"const": "bytes"}},
}
