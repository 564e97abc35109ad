"""Backups of a Kazoo's databases as files: read as streams, however large, whole or damaged.

`extracting` takes the long attachments out of a file's JSON, `parsing` finds the documents in what is left, `index`
keeps those that matter on disk, `folder` knows which file is of which database.
"""
