"""Whether two addresses lead to one CouchDB: a source must be another one than that which is served."""

import secrets
from contextlib import suppress

from couch.client import Couch
from couch.errors import CouchError, NotFound
from storage import database_names


def is_same_couchdb(source: Couch, served: Couch) -> bool:
    """Whether a source is the served CouchDB itself. Raises CouchError if one of them does not answer."""
    source_uuid, served_uuid = (server.info().get("uuid") for server in (source, served))
    if not source_uuid or not served_uuid:
        # A cluster may tell none, and what stands before CouchDB may hide it.
        return _has_mark_of(source, served)
    return source_uuid == served_uuid or _are_nodes_of_one_cluster(source, served)


def _are_nodes_of_one_cluster(source: Couch, served: Couch) -> bool:
    """Whether both name the same nodes. The nodes of a cluster have uuids of their own."""
    nodes = [_list_nodes(server) for server in (source, served)]
    return len(nodes[0]) > 1 and nodes[0] == nodes[1]


def _list_nodes(server: Couch) -> set[str]:
    try:
        _, _, membership = server.resource.get_json("_membership")
    except CouchError:
        return set()
    return set(membership.get("cluster_nodes") or ())


def _has_mark_of(source: Couch, served: Couch) -> bool:
    """Whether a local document that is stored in the served CouchDB is in the source: no replication copies those."""
    if not served.exists(database_names.ACCOUNTS):
        return False
    path = [database_names.ACCOUNTS, "_local", f"vmboxes-{secrets.token_hex(16)}"]
    _, _, saved = served.resource(*path).put_json(body={})
    try:
        source.resource(*path).get_json()
    except NotFound:
        return False
    else:
        return True
    finally:
        with suppress(CouchError):
            served.resource(*path).delete_json(rev=saved["rev"])
