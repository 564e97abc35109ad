"""Which ids of requests may be told: random ones. A client may send any word as the id of its request."""

import re

_RANDOM = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.IGNORECASE)


def random_id(text: str) -> str:
    """Return an id that is a UUID, with or without hyphens, as those of this service are; an empty text else."""
    return text if _RANDOM.fullmatch(text) else ""
