"""Events: what is stored in CouchDB is told to others, from CouchDB's own change feeds.

    feed           which databases change, heard from CouchDB's ``_db_updates``
    work           the accounts whose databases have changes that nobody has read yet
    follower       reads the changes of a database, turns them into events, hands these to a consumer
    changes        the events that a changed document makes
    consumers      who gets events: the registry, and what a consumer has to do
    positions      how far a consumer got, in local documents of CouchDB
    leases         which of several followers reads which accounts, in Django's database
    jobs           jobs of workers that died
    periodic       jobs that start again and again, wherever workers run
    state          how far behind the followers are, for pages and health checks

Every change is told at least once, those of an account in order. A repeat has the same event id.
"""
