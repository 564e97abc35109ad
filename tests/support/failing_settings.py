"""The service's settings, with views that fail (`tests.support.failures`)."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.support.failures"
