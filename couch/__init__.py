"""The client for CouchDB: python-couchdb over libcurl. `client` is what others use; `errors` is what it raises."""
