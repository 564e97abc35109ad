"""What kind of thing a request to CouchDB is about, without saying which: for traces."""

_KINDS = {
    "_all_dbs": "all databases",
    "_all_docs": "all documents",
    "_bulk_docs": "bulk documents",
    "_bulk_get": "bulk get",
    "_changes": "changes",
    "_compact": "compaction",
    "_db_updates": "database updates",
    "_dbs_info": "databases' states",
    "_find": "find",
    "_purge": "purge",
    "_replicate": "replication",
    "_scheduler": "replication",
    "_up": "up",
    "_view": "view",
}


def kind_of_call(url: str) -> str:
    """Return one of few words for a URL: ``document``, ``view``, ``changes`` ... No name, id or query is in it."""
    segments = url.partition("?")[0].rstrip("/").split("/")[3:]
    for segment in segments:
        if kind := _KINDS.get(segment):
            return kind
    if "_design" in segments:
        return "design document"
    if "_local" in segments:
        return "local document"
    if not segments or segments[0].startswith("_"):
        return "server"
    return ("database", "document", "attachment")[min(len(segments), 3) - 1]
