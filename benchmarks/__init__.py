"""What the service costs beyond the CouchDB requests it makes, and how that grows: see README.md here."""
