"""Measures what the service costs beyond its CouchDB requests, and how that grows; see README.md in this folder."""
