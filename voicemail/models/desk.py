"""What Django's permissions at the operators' desk are about: mailboxes and messages, which are in CouchDB."""

from django.db import models


class Mailbox(models.Model):
    """Stands for the mailboxes. It has no table."""

    class Meta:
        managed = False
        verbose_name_plural = "mailboxes"
        permissions = (("see_pin", "Can see and change a mailbox's PIN"),)


class Message(models.Model):
    """Stands for the messages. It has no table."""

    class Meta:
        managed = False
        permissions = (("listen_to_message", "Can listen to messages and download them"),)
