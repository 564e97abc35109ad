"""One search over all accounts: an index of accounts, users, mailboxes and messages in Django's database.

entries        what is indexed of a document, and in which words
index          puts documents into the index, and forgets them
consumer       does so as CouchDB's changes are followed
filling        indexes what was there before (``manage.py index_search``)
terms          what a text asks for
finding        the entries that match, the likeliest first
without_index  what CouchDB's views answer while there is no index
freshness      how old the index may be
"""
