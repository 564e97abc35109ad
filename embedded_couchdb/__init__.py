"""A small server that speaks CouchDB 3's HTTP API, for development, tests and trying out.

It is no production database: one process, one machine, loopback only, no replication, no
clustering. Acknowledged writes survive a killed process, but not a power cut.  Start it with
``python -m embedded_couchdb --port PORT --data DIR --admin USER:PASSWORD``.

The modules in layers, the lowest first; a module imports from its own layer and lower ones only:

* ``errors``, ``jsontext``, ``collation``, ``sequences``, ``frames``: they know nothing of databases;
* ``connections``, ``storage`` (and ``schema.sql``), ``catalogue``: SQLite files, and who may use them when;
* ``attachments``, ``multipart``, ``revisions``, ``reading``, ``payload``, ``writing``: documents;
* ``javascript``, ``javascript_worker`` (and ``driver.js``), ``designs``, ``saving``: functions in JavaScript;
* ``indexing``, ``queryargs``, ``ranges``, ``builtin_reduce``, ``reduce``, ``querying``: views;
* ``alldocs``, ``changes``: other listings;
* ``http``, ``auth``, the ``routes_*`` modules, ``app``: HTTP; ``server`` and ``__main__``: the process.
"""
