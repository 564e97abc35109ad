"""The service's settings, with the consumer that the benchmark looks at."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as APPS

INSTALLED_APPS = [*APPS, "benchmarks.recording.RecorderConfig"]
