"""The check that comes first, however the service is started."""

import sys


def refuse_unsafe_settings() -> None:
    """End the process with a sentence for each setting with which nobody should be served."""
    from django.core.exceptions import ImproperlyConfigured

    try:
        from config import settings
    except ImproperlyConfigured as error:
        sys.exit(f"Not started: {error}")
    if faults := settings.faults():
        sys.exit("Not started: " + " ".join(faults))
