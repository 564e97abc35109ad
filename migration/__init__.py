"""Leave Kazoo 3.x: migrate the messages of whole accounts and systems into MODbs, verify them, purge the old ones.

The data of 3.x is in the CouchDB that this project serves, in another one, or in a folder of backups. The rules by
which an entry becomes a message are in `voicemail.legacy`, as messages are also migrated one by one on access.
"""
