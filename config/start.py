"""What every way to start the service asks first."""

import sys


def refuse_unsafe_settings() -> None:
    """End the process with a sentence for each thing that is wrong with the settings; return when all is well."""
    from django.core.exceptions import ImproperlyConfigured

    try:
        from config import settings
    except ImproperlyConfigured as error:
        sys.exit(f"Not started: {error}")
    if problems := settings.problems():
        sys.exit("Not started: " + " ".join(problems))
