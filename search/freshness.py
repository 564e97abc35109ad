"""How old the index may be, and whether it has all accounts."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone

from events import state
from search.models import Filling

CONSUMER = "search"
"""The name of the index among the consumers of changes."""


@dataclass(frozen=True)
class Freshness:
    """What can be said about the age of results."""

    is_enabled: bool
    is_begun: bool
    """Whether ``index_search`` was ever run."""
    is_filled: bool
    """Whether all accounts were indexed once."""
    accounts: int
    accounts_done: int
    """How many accounts there were, and how many are indexed, while the index is filled."""
    is_followed: bool
    """Whether changes are indexed as they happen."""
    seconds: float | None
    """For how long a change may be missing; None if nobody knows."""

    @property
    def is_complete(self) -> bool:
        """Whether the index answers for everything there is."""
        return self.is_enabled and self.is_filled and self.is_followed


def read() -> Freshness:
    """Return how old the index is now."""
    filling = Filling.objects.order_by("-started_at").first()
    consumer = next((each for each in state.list_consumers() if each.consumer == CONSUMER), None)
    is_followed = consumer is not None and bool(consumer.followers) and consumer.is_complete
    if consumer is not None:
        seconds: float | None = consumer.seconds_behind
    else:
        seconds = _seconds_since_end(filling)
    return Freshness(
        is_enabled=bool(settings.SEARCH_INDEX),
        is_begun=filling is not None,
        is_filled=filling is not None and filling.ended_at is not None,
        accounts=filling.accounts if filling else 0,
        accounts_done=filling.accounts_done if filling else 0,
        is_followed=is_followed,
        seconds=seconds,
    )


def note_followed() -> None:
    """Store that the index was kept up to date until now."""
    filling = Filling.objects.order_by("-started_at").first()
    if filling is not None:
        Filling.objects.filter(pk=filling.pk).update(followed_until=Now())


def _seconds_since_end(filling: Filling | None) -> float | None:
    """Return the seconds since the index was filled or last kept up to date."""
    ends = [end for end in (filling.ended_at, filling.followed_until) if end is not None] if filling else []
    return (timezone.now() - max(ends)).total_seconds() if ends else None
