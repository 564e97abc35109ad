"""Backups of a Kazoo's databases as files, whatever their size, whole or damaged.

Files are read as streams. Long attachments are taken out of a file's JSON first (`attachments`), documents are found
in the remaining JSON (`parsing`), and those that matter are kept on disk (`index`) while the folder is used.
"""
