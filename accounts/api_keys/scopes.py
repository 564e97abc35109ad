"""What an API key may do."""

from collections.abc import Collection
from enum import StrEnum


class Scope(StrEnum):
    """A part of what the key's owner may do."""

    READ = "read_messages"
    """See mailboxes and messages, without PINs."""
    HEAR = "hear"
    """Get recordings."""
    WRITE = "write"
    """Create, change and delete mailboxes and messages."""
    ADMINISTER = "administer"
    """Whatever the owner may do, which includes the other three."""


def allow(scopes: Collection[str], needed: Scope) -> bool:
    """Whether a key with these scopes may do what needs a scope."""
    return needed in scopes or Scope.ADMINISTER in scopes
