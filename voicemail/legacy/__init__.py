"""Messages in the format of Kazoo 3.x, and how they become messages of MODbs.

Kazoo 3.x kept a mailbox's messages as an array ``messages`` in the mailbox's document, and their audio in media
documents beside it. They are listed and counted as they are, and each is migrated when a request accesses it; the
command ``migrate_kazoo3`` migrates the rest by the same rules.

The rules are Kazoo's: the same entry always becomes the message with the same id. So a second process, or a second
run, finds the work done.
"""
