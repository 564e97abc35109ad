"""Voicemail as a Django app: mailboxes, messages, their endpoints and commands."""

from django.apps import AppConfig


class VoicemailConfig(AppConfig):
    """Everything is in CouchDB."""

    name = "voicemail"
    verbose_name = "Voicemail"
