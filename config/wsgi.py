"""The WSGI application: what gunicorn runs."""

import logging
import os

from django.core.wsgi import get_wsgi_application

from config.start import refuse_unsafe_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
refuse_unsafe_settings()
logging.captureWarnings(True)  # as log lines, like everything else
application = get_wsgi_application()
