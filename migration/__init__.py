"""Leaving Kazoo 3.x: the messages of whole accounts and systems, brought into MODbs.

`sources` and `backups` read what 3.x left: in the served CouchDB, in another one, or in a folder of backups.
`bringing` gives the served CouchDB the accounts, users and boxes that it lacks. `running` migrates their messages,
batch by batch, by the rules of `voicemail.legacy`; `verifying` reads both sides again; `purging` deletes what is
safe to delete. `watching` tells how far that is, `reporting` what came of it. `samples` makes data of 3.x to try
it all on.

All of it are plain functions that tell their progress to whoever calls them; the command ``migrate_kazoo3`` is one.
"""
