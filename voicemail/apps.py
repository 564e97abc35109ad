"""Voicemail as a Django app: boxes, messages, their endpoints and commands."""

from django.apps import AppConfig


class VoicemailConfig(AppConfig):
    """Everything is in CouchDB, but for the runs of the migration that operators start."""

    name = "voicemail"
    verbose_name = "Voicemail"
