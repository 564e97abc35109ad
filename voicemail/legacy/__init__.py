"""Messages in the format of Kazoo 3.x, and how they become messages of MODbs.

Kazoo 3.x kept a mailbox's messages as an array ``messages`` in the mailbox's document, and their audio in media
documents beside it. `entries` reads such an array, whatever state it is in; `rows` lists it; `documents` says what
an entry becomes; `migration` makes it so, for a batch of entries of one box; `touch` does that for those that a
request names. The rules are Kazoo's: the same entry always becomes the message of the same id, so that whoever
comes second, another process or another run, finds the work done.
"""
