"""The client for CouchDB: python-couchdb over libcurl. Others use `client` and `database`, which raise `errors`."""
