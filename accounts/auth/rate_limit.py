"""How many requests an account may make: REQUEST_LIMIT at once, and so many again within REQUEST_LIMIT_SECONDS.

They are counted per account that is acted on, whoever acts: it is that account's databases that have the work, and
whoever looks after thousands of accounts isn't stopped for a few requests to each. What names no account counts for
the caller's own. Only those who may act on an account use its requests up, so that nobody can do it to others.
"""

import math

from django.conf import settings

from accounts.auth import buckets
from crossbar.errors import TooManyRequests


def count(account_id: str) -> None:
    """Count a request to an account; TooManyRequests, with the seconds to wait, when it had too many.

    What is refused is not counted. Costs microseconds, and no request to CouchDB or another server.
    """
    if not settings.REQUEST_LIMIT:
        return
    wait = buckets.shared().take(bytes.fromhex(account_id), settings.REQUEST_LIMIT, settings.REQUEST_LIMIT_SECONDS)
    if wait:
        raise TooManyRequests(math.ceil(wait))
