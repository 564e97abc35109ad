"""Voicemail as a Django app: boxes, messages, their endpoints and commands."""

from django.apps import AppConfig


class VoicemailConfig(AppConfig):
    """Holds no tables of its own: everything is in CouchDB."""

    name = "voicemail"
    verbose_name = "Voicemail"
