"""Design documents, read from the tree of files beside this module.

The layout is CouchApp's: ``<kind>/<design document>/views/<view>/map.js``, with ``reduce.js`` beside it if the view
has one. A kind is a kind of database: ``account``, ``modb``, ``accounts``,
``webhooks``. A line ``// !code PATH`` in a function is
replaced by that file (PATH from this folder), as CouchApp does, since CouchDB runs each function alone, without
modules.
"""

import copy
import functools
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent
KINDS = ("account", "modb", "accounts", "webhooks")

#: Design documents that Kazoo owns. All others in the tree are this project's own.
KAZOO_DOCUMENTS = frozenset(
    {
        "_design/vmboxes",
        "_design/users",
        "_design/media",
        "_design/attributes",
        "_design/mailbox_messages",
        "_design/accounts",
        "_design/webhooks",
    }
)

_INCLUDE = re.compile(r"^([ \t]*)// !code (\S+)[ \t]*$", re.MULTILINE)


def design_documents(kind: str) -> dict[str, dict[str, Any]]:
    """Return the design documents of a kind of database by their ids; ValueError for an unknown kind.

    The caller may change them: each call returns new ones.
    """
    return copy.deepcopy(_read_kind(kind))


@functools.cache
def _read_kind(kind: str) -> dict[str, dict[str, Any]]:
    if kind not in KINDS:
        raise ValueError(f"unknown kind of database: {kind}")
    documents = (_read_document(folder) for folder in sorted((ROOT / kind).iterdir()) if folder.is_dir())
    return {document["_id"]: document for document in documents}


def _read_document(folder: Path) -> dict[str, Any]:
    views = {
        view.name: {function.stem: _read_function(function) for function in sorted(view.glob("*.js"))}
        for view in sorted((folder / "views").iterdir())
    }
    return {"_id": f"_design/{folder.name}", "language": "javascript", "views": views}


def _read_function(path: Path) -> str:
    return _INCLUDE.sub(_read_include, path.read_text(encoding="utf-8")).strip()


def _read_include(match: re.Match[str]) -> str:
    indent, path = match.groups()
    lines = (ROOT / path).read_text(encoding="utf-8").strip().splitlines()
    return "\n".join(indent + line if line else line for line in lines)
