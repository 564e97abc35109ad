"""The WSGI application: what gunicorn runs."""

import logging
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config.start import refuse_unsafe_settings
from config.tracing.setup import set_up_tracing
from couch.client import couch
from crossbar.slow_clients import SlowClients

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
refuse_unsafe_settings()
logging.captureWarnings(True)  # as log lines, like everything else
application = SlowClients(
    get_wsgi_application(), settings.CLIENT_SILENCE_SECONDS, settings.CLIENT_MIN_RATE, settings.THREADS
)
if settings.METRICS_TOKEN:
    from config.metrics.counters import count_couchdb_request

    couch().session.observers.append(count_couchdb_request)
set_up_tracing()
