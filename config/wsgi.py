"""The WSGI application: what gunicorn runs."""

import logging
import os

import django

from config.handlers import Handler
from config.start import refuse_unsafe_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
refuse_unsafe_settings()
logging.captureWarnings(True)  # as log lines, like everything else
django.setup(set_prefix=False)
application = Handler()
