"""The index in Django's database: entries with their words, and how far it was filled."""

from django.db import models

from search.words_field import WordsField

ID_LENGTH = 100
TITLE_LENGTH = 200


class Kind(models.TextChoices):
    """What an entry stands for."""

    ACCOUNT = "account"
    MAILBOX = "mailbox"
    USER = "user"
    MESSAGE = "message"


class Entry(models.Model):
    """A document that can be found: by which words, and what is shown of it."""

    kind = models.CharField(max_length=10, choices=Kind.choices)
    account_id = models.CharField(max_length=32)
    document_id = models.CharField(max_length=ID_LENGTH)
    box_id = models.CharField(max_length=ID_LENGTH, blank=True)
    """The mailbox of a message."""
    time = models.BigIntegerField(default=0)
    """When a message was left, in Gregorian seconds; 0 if nobody knows, and for other kinds."""
    title = models.CharField(max_length=TITLE_LENGTH)
    detail = models.CharField(max_length=TITLE_LENGTH, blank=True)
    """A realm, an e-mail address, aliases, or a caller's number."""
    is_removed = models.BooleanField(default=False)
    """Whether the document is soft-deleted."""
    words = WordsField()

    class Meta:
        """A document has one entry. An account's databases share no ids: those of messages begin with the month."""

        # By kind alone: with accounts in this index, SQLite would look up each match once for each account.
        constraints = [models.UniqueConstraint(fields=["account_id", "document_id"], name="one_entry_per_document")]
        indexes = [models.Index(fields=["kind"], name="search_of_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.title or self.document_id}"


class Filling(models.Model):
    """A run of ``index_search`` over all accounts. One that was interrupted goes on where it stopped."""

    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    accounts = models.PositiveIntegerField(default=0)
    """How many there are."""
    accounts_done = models.PositiveIntegerField(default=0)
    followed_until = models.DateTimeField(null=True)
    """When a follower that kept the index up to date ended last."""

    def __str__(self) -> str:
        return f"{self.accounts_done} of {self.accounts} accounts"


class FilledDatabase(models.Model):
    """A database that the present run of ``index_search`` has read."""

    name = models.CharField(max_length=80, unique=True)

    def __str__(self) -> str:
        return self.name
