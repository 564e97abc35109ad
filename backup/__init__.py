"""Backup and restore of all that is voicemail, in a format of this project's own. Its guide is docs/backup.md.

places        where a backup lies: a folder
layout        the files of a backup: manifest, databases, segments, recordings
selection     which databases and documents belong to a backup
segments      documents as compressed JSON lines
recordings    attachments as files, named by their digests
database_backup, backup, tables      writing one
chain         reading one, with those before it that it builds on
database_restore, restore            restoring one
verify        checking one
"""
