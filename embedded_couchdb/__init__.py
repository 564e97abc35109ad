"""A small server that speaks CouchDB 3's HTTP API, for development, tests and trying out.

It is no production database: one process, one machine, loopback only, no replication, no
clustering, and a promise for a killed process but not for a power cut.  Start it with
``python -m embedded_couchdb --port PORT --data DIR --admin USER:PASSWORD``.

The rooms, from the ground floor up:

* ``errors``, ``jsontext``, ``collation``, ``multipart``: no knowledge of databases;
* ``connections``, ``storage``, ``catalogue``: SQLite files and who may use them when;
* ``attachments``, ``documents``, ``writing``, ``localdocs``: what a database keeps;
* ``javascript``, ``designs``, ``indexing``, ``reduce``, ``querying``: views and validation;
* ``app`` and the ``routes_*`` modules: HTTP; ``server`` and ``__main__``: the process.
"""
