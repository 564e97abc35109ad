"""What runs inside CouchDB: design documents as files in the CouchApp layout, and what loads and syncs them."""
