"""The service's settings, with a consumer of events that tests can look at (`tests.support.recording_consumer`)."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as APPS

INSTALLED_APPS = [*APPS, "tests.support.recording_consumer.RecordingConsumerConfig"]
