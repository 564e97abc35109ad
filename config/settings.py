"""Django's settings, all from environment variables (docs/configuration.md lists them).

The module can be imported with any settings, so that tools can read it. `config.faults` lists those with which nobody
should be served. manage.py, wsgi.py and gunicorn.conf.py refuse to start with them.
"""

from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF

from config import environment
from config.tracing.faults import tracing_faults

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = environment.flag("DEBUG")

# --- secrets, hosts and limits ---

SECRET_KEY = environment.secret("SECRET_KEY")
ALLOWED_HOSTS = environment.text_list("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.text_list("CSRF_TRUSTED_ORIGINS")
TOKEN_LIFETIME = environment.integer("TOKEN_LIFETIME", 3600, minimum=1)
"""Seconds for which a token is valid."""
SIGN_IN_FAILURES = environment.integer("SIGN_IN_FAILURES", 20)
SIGN_IN_FAILURES_SECONDS = environment.integer("SIGN_IN_FAILURES_SECONDS", 300, minimum=1)
"""How often signing in to an account may fail from one address within so many seconds; 0: no limit."""
SIGN_IN_FAILURES_PER_ADDRESS = environment.integer("SIGN_IN_FAILURES_PER_ADDRESS", 50 * SIGN_IN_FAILURES)
"""How often signing in may fail from one address, to whichever accounts, within SIGN_IN_FAILURES_SECONDS."""
SIGN_IN_FAILURES_PER_ACCOUNT = environment.integer("SIGN_IN_FAILURES_PER_ACCOUNT", 10 * SIGN_IN_FAILURES)
SIGN_IN_FAILURES_PER_ACCOUNT_SECONDS = environment.integer(
    "SIGN_IN_FAILURES_PER_ACCOUNT_SECONDS", 12 * SIGN_IN_FAILURES_SECONDS, minimum=1
)
"""How often signing in to an account may fail from all addresses together within so many seconds."""
REQUEST_LIMIT = environment.integer("REQUEST_LIMIT", 12_000)
REQUEST_LIMIT_SECONDS = environment.seconds("REQUEST_LIMIT_SECONDS", 60)
"""How many requests an account may make within so many seconds of the first one; 0: no limit."""
RATE_LIMIT_STORAGE = environment.secret("RATE_LIMIT_STORAGE")
"""The URL of a Redis or Valkey that counts them for all instances; without it, each worker allows its share."""
WEB_CONCURRENCY = environment.integer("WEB_CONCURRENCY", 2, minimum=1)
"""How many workers an instance has."""
THREADS = environment.integer("THREADS", 64, minimum=1)
"""How many threads a worker has, which is how many requests it serves at a time."""
CLIENT_SILENCE_SECONDS = environment.seconds("CLIENT_SILENCE_SECONDS", 20)
CLIENT_MIN_RATE = environment.integer("CLIENT_MIN_RATE", 500)
"""How long a client may be silent in a body or while it takes a response, and its least bytes a second meanwhile."""

_DEVELOPMENT_KEY = "development-only-" + "0" * 40
if DEBUG and not SECRET_KEY:
    SECRET_KEY = _DEVELOPMENT_KEY

# --- CouchDB ---

COUCHDB_URL = environment.secret("COUCHDB_URL")
COUCHDB_CONNECT_TIMEOUT = environment.seconds("COUCHDB_CONNECT_TIMEOUT", 3)
COUCHDB_READ_TIMEOUT = environment.seconds("COUCHDB_READ_TIMEOUT", 30)
COUCHDB_ADD_VIEWS = "storage.maintenance.add_views"
"""What the client calls when a database lacks a view."""
COUCHDB_DECODE_JSON = "storage.empty_objects.decode_json"
"""What the client decodes CouchDB's answers with."""

# --- the largest requests, in bytes ---

MAX_UPLOAD_BYTES = environment.integer("MAX_UPLOAD_BYTES", 128 * 1024 * 1024, minimum=1)
JSON_BODY_LIMIT = environment.integer("JSON_BODY_LIMIT", 1024 * 1024, minimum=1)
ANONYMOUS_BODY_LIMIT = environment.integer("ANONYMOUS_BODY_LIMIT", 16 * 1024, minimum=1)
"""The largest body, JSON or a form, that is read before it is known who sends it."""
DATA_UPLOAD_MAX_MEMORY_SIZE = JSON_BODY_LIMIT
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000  # a page of 500 messages has a checkbox and a folder for each
FILE_UPLOAD_HANDLERS = [  # of forms at the desk: small files go to disk as well, and size is limited as in the API
    "crossbar.form_uploads.LimitedUploads",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- how much an account may have, and a request do; 0: no limit ---

ACCOUNTS_BELOW_ACCOUNT = environment.integer("ACCOUNTS_BELOW_ACCOUNT", 10_000)
"""Accounts below an account, at any depth, that clients may create; the master account has no limit."""
MAILBOXES_PER_ACCOUNT = environment.integer("MAILBOXES_PER_ACCOUNT", 10_000)
ALIASES_PER_MAILBOX = environment.integer("ALIASES_PER_MAILBOX", 100)
NUMBERS_PER_ACCOUNT = environment.integer("NUMBERS_PER_ACCOUNT", 20_000)
"""Numbers of mailboxes and their aliases."""
WEBHOOKS_PER_ACCOUNT = environment.integer("WEBHOOKS_PER_ACCOUNT", 100)
DATABASES_PER_ACCOUNT = environment.integer("DATABASES_PER_ACCOUNT", 240)
"""Databases of months, which new messages create."""
COPIES_PER_REQUEST = environment.integer("COPIES_PER_REQUEST", 1_000)
"""Messages times mailboxes that a request may copy."""
FILTERED_ROWS = environment.integer("FILTERED_ROWS", 20_000, minimum=100)
"""How many rows a request for a filtered listing looks at; its page ends there, full or not."""

# --- audio ---

NORMALIZE_MEDIA = environment.flag("NORMALIZE_MEDIA") if environment.text("NORMALIZE_MEDIA") else None
"""Whether uploads are transcoded to the format of their mailbox; None: as Kazoo's own settings in CouchDB say."""
NORMALIZE_SECONDS = environment.seconds("NORMALIZE_SECONDS", 60)
NORMALIZE_AT_ONCE = environment.integer("NORMALIZE_AT_ONCE", 2, minimum=1)
"""Seconds that transcoding an upload may take, and how many a worker transcodes at a time."""
ESPEAK_NG = environment.text("ESPEAK_NG", "espeak-ng")
"""The program that speaks texts: its name or path. Where there is none, texts aren't spoken."""

# --- migrations from Kazoo 3.x that operators start at the desk ---

MIGRATIONS_AT_ONCE = environment.integer("MIGRATIONS_AT_ONCE", 4)
"""How many may run at once, on all machines together; 0: no limit."""
MIGRATION_SILENCE_SECONDS = environment.integer("MIGRATION_SILENCE_SECONDS", 30, minimum=3)
"""Seconds without a sign of life from its process after which a migration counts as interrupted."""

# --- deletion for good ---

ERASURE_WAIT_DAYS = environment.integer("ERASURE_WAIT_DAYS", 7)
"""How many days what is to be deleted for good can still be restored; 0: it is deleted at once."""

# --- Django's own tables: operators and their sessions, failed sign-ins, runs of migrations ---

DATABASES = {
    "default": dj_database_url.parse(
        environment.secret("DATABASE_URL", f"sqlite:///{BASE_DIR / 'var' / 'django.sqlite3'}"),
        conn_max_age=60,
        conn_health_checks=True,  # no request fails because the database was restarted
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Several processes write: each transaction waits for its turn when it begins, and readers don't wait at all.
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the audit: what is done at the desk and over the API ---

AUDIT_DAYS = environment.integer("AUDIT_DAYS", 400)
"""How long entries are kept; 0: for ever."""
AUDIT_SPOOL = environment.text("AUDIT_SPOOL", str(BASE_DIR / "var" / "audit"))
"""The folder of this machine, for this service alone, where records of the API wait for Django's database."""

# --- events: changes that are told to others, and jobs, which `manage.py db_worker` does ---

PUBLISH_CHANGES_OF = environment.choice("PUBLISH_CHANGES_OF", "OWN", ("OWN", "ALL"))
"""Whose changes are told: this service's own, or all, where no Kazoo tells its own."""
AMQP_URL = environment.secret("AMQP_URL")
"""A message broker that gets the events in Kazoo's form; none if empty."""
PUBLISH_UPLOADS = environment.flag("PUBLISH_UPLOADS", PUBLISH_CHANGES_OF == "ALL")
"""Whether the broker hears of messages that were created over the API as new or saved, which a Kazoo doesn't do."""
OVERVIEW_SECONDS = environment.integer("OVERVIEW_SECONDS", 900)
"""How often workers collect the figures of the desk's overview; 0: only when somebody asks for it."""
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
"""With no list of queues, a job may name any."""

# --- the search over all accounts ---

SEARCH_INDEX = environment.flag("SEARCH_INDEX", True)
"""Whether Django's database has an index of accounts, users, mailboxes and messages for the desk's search."""

# --- live: websockets for browsers (`manage.py live`) ---

LIVE_BIND = environment.text("LIVE_BIND", environment.text("BIND", "127.0.0.1"))
LIVE_PORT = environment.integer("LIVE_PORT", 5555)
"""The port of Kazoo's websockets; 0: any free one."""
LIVE_URL = environment.text("LIVE_URL")
"""Where browsers reach the websockets, such as wss://voicemail.example.com; {host} is the host of the page. Without
it the desk's lists stay as they were loaded."""
LIVE_CONNECTIONS = environment.integer("LIVE_CONNECTIONS", 10_000, minimum=1)
"""How many clients a process serves at once."""

# --- webhooks ---

SEND_WEBHOOKS = environment.flag("SEND_WEBHOOKS", True)
"""Whether events are sent to webhooks; a Kazoo on the same CouchDB that does it makes this superfluous."""
WEBHOOK_ALLOWED_NETWORKS = environment.networks("WEBHOOK_ALLOWED_NETWORKS")
"""Networks that webhooks may be sent to although they aren't public."""
WEBHOOKS_AT_ONCE = environment.integer("WEBHOOKS_AT_ONCE", 32, minimum=1)
"""How many requests a worker sends at the same time."""

# --- the application ---

INSTALLED_APPS = [
    "operators",
    "desk",  # its templates come before those of Django's admin, which they extend
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "drf_spectacular_sidecar",  # the files of Swagger UI, for /v2/docs
    "events",  # its db_worker replaces that of django_tasks_db
    "django_tasks",
    "django_tasks_db",
    "audit",
    "accounts",
    "voicemail",
    "media",
    "webhooks",
    "notifications",
    "live",
    "search",
    "erasure",  # before an app with models: the desk's groups get its permission when that one is set up
    "migration",
    "backup",
    "doctor",
    "overview",
]
SECURITY_CONTACT = environment.text_list("SECURITY_CONTACT")
"""E-mail addresses, telephone numbers and URLs for whoever finds a security problem: /.well-known/security.txt."""
SECURITY_POLICY = environment.text("SECURITY_POLICY")
METRICS_TOKEN = environment.secret("METRICS_TOKEN")
"""What Prometheus says to be let in to /metrics; without it there are no metrics."""
OTEL_EXPORTER_OTLP_ENDPOINT = environment.text("OTEL_EXPORTER_OTLP_ENDPOINT")
"""Where an OpenTelemetry collector takes traces by OTLP over HTTP, without /v1/traces; none if empty."""
SENTRY_DSN = environment.secret("SENTRY_DSN")
"""What Sentry calls the address for errors of this service; none if empty."""
MIDDLEWARE = [
    *(["config.routes.RouteMiddleware"] if METRICS_TOKEN or OTEL_EXPORTER_OTLP_ENDPOINT or SENTRY_DSN else []),
    *(["config.tracing.spans.TracingMiddleware"] if OTEL_EXPORTER_OTLP_ENDPOINT else []),
    *(["config.metrics.counters.MetricsMiddleware"] if METRICS_TOKEN else []),
    "crossbar.middleware.RequestIdMiddleware",
    "crossbar.middleware.ApiCorsMiddleware",
    "crossbar.middleware.ApiMiddleware",
    "config.reserve.ThreadReserve",
    "accounts.api.recording.RecordingMiddleware",
    "config.page_middleware.PageMiddleware",
]
# What requests to the API do without.
PAGE_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "operators.language.PageLanguage",
    "django.middleware.common.CommonMiddleware",
    "config.page_middleware.AnonymousForms",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "operators.session_middleware.OperatorSessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
# The admin looks for its middleware in MIDDLEWARE alone.
SILENCED_SYSTEM_CHECKS = ["admin.E408", "admin.E409", "admin.E410"]
ROOT_URLCONF = "config.urls"
CSRF_FAILURE_VIEW = "config.pages.forged"
LOGIN_REDIRECT_URL = "admin:index"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False  # paths of the API have one or not, and a redirect would lose the body
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["django.templatetags.i18n"],
        },
    }
]
REST_FRAMEWORK: dict[str, Any] = {
    "EXCEPTION_HANDLER": "accounts.api.exception_handler.exception_handler",
    # Viewsets name their own classes (crossbar.viewset, accounts.api.viewset). Django's users are operators only.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "URL_FORMAT_OVERRIDE": None,
}

# --- operators: their passwords, and how long they stay signed in ---

AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": environment.integer("OPERATOR_PASSWORD_LENGTH", 12, minimum=8)},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "operators.passwords.NewPasswordValidator"},
]
"""For new passwords only: operators go on with the ones they have."""
SESSION_IDLE_SECONDS = environment.integer("SESSION_IDLE_SECONDS", 1800)
"""Seconds without a request after which an operator is signed out; 0: no limit."""
SESSION_COOKIE_AGE = environment.integer("SESSION_LIFETIME_SECONDS", 43_200, minimum=60)
"""Seconds after which an operator has to sign in again in any case."""
OIDC_ISSUER = environment.text("OIDC_ISSUER")
"""The address of the OpenID Connect provider that operators sign in at; none if empty."""
OIDC_RP_CLIENT_ID = environment.text("OIDC_CLIENT_ID")
OIDC_RP_CLIENT_SECRET = environment.secret("OIDC_CLIENT_SECRET")
OIDC_RP_SCOPES = environment.text("OIDC_SCOPES", "openid profile email")
OIDC_RP_SIGN_ALGO = environment.choice(
    "OIDC_SIGNATURE", "RS256", ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
)
OIDC_NAME = environment.text("OIDC_NAME", "single sign-on")
OIDC_GROUPS_CLAIM = environment.text("OIDC_GROUPS_CLAIM", "groups")
OIDC_GROUPS = environment.pairs("OIDC_GROUPS")
"""Names of the desk's groups for those that the provider states; who is in none of them isn't let in."""
OIDC_USE_PKCE = True
OIDC_TIMEOUT = 10
OIDC_AUTHENTICATION_CALLBACK_URL = "single_sign_on_callback"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    *(["operators.single_sign_on.SingleSignOnBackend"] if OIDC_ISSUER else []),
]
OTP_TOTP_ISSUER = environment.text("DESK_NAME", "Voicemail desk")
"""What an authenticator app calls the desk."""
OTP_TOTP_THROTTLE_FACTOR = 0  # wrong codes are throttled as wrong passwords are

# --- language, time, files ---

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("es", "Español")]
"""Those of the desk. The API, commands and logs are in English."""
LOCALE_PATHS = [BASE_DIR / "translations" / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
WHITENOISE_USE_FINDERS = True  # the pages' few files are served from their packages, without collectstatic

# --- what pages may load and where their forms may go: this service, and no inline script ---

CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "media-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- pages of any other origin, such as Monster UI's, may use the API ---

CORS_URLS_REGEX = r"^/v2(/|$)"
CORS_ALLOW_ALL_ORIGINS = True
CORS_ALLOW_METHODS = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS")
CORS_ALLOW_HEADERS = (  # Kazoo's, those of its web interface among them, and what this service reads besides
    *("Content-Type", "Accept", "Authorization", "X-Auth-Token", "If-None-Match", "If-Match", "If-Modified-Since"),
    *("Range", "If-Range", "Cache-Control", "Depth", "X-Requested-With", "X-HTTP-Method-Override"),
    *("X-File-Name", "X-File-Size", "X-Kazoo-Cluster-ID", "X-Request-ID"),
)
CORS_EXPOSE_HEADERS = (
    *("Location", "ETag", "Content-Disposition", "Content-Range", "Accept-Ranges", "Allow"),
    *("Retry-After", "X-Request-ID"),
)
CORS_PREFLIGHT_MAX_AGE = 86400

MONSTER_UI_APPS = environment.text_list("MONSTER_UI_APPS", "voicemails")
"""The names of the apps that Monster UI is told to load."""

# --- mail ---

EMAIL_URL = environment.secret("EMAIL_URL")
"""The mail server; empty if there is none, and no mail is sent."""
globals().update(environment.mail_server("EMAIL_URL"))
EMAIL_TIMEOUT = environment.seconds("EMAIL_TIMEOUT", 10)
DEFAULT_FROM_EMAIL = environment.text("EMAIL_FROM", "vmboxes@localhost")
SEND_VOICEMAIL_MAILS = environment.flag("SEND_VOICEMAIL_MAILS", True)
"""Whether mails about voicemail are sent; a Kazoo on the same CouchDB that does it makes this superfluous."""
MAILS_AT_ONCE = environment.integer("MAILS_AT_ONCE", 4, minimum=1)
"""How many connections to the mail server a worker has at the same time."""
MAIL_RECORDING_LIMIT = environment.integer("MAIL_RECORDING_LIMIT", 20 * 1024 * 1024)
"""The largest recording, in bytes, that is attached to a mail."""
MAIL_LOG_DAYS = environment.integer("MAIL_LOG_DAYS", 30, minimum=1)
"""How long it is known which mails were sent."""
MONSTER_UI_URLS = environment.text_list("MONSTER_UI_URLS", "http://localhost:*,http://127.0.0.1:*")
"""Addresses of web interfaces that links in mails may lead to."""
RECOVERY_LINK_SECONDS = environment.integer("RECOVERY_LINK_SECONDS", 900, minimum=1)
"""How long a link for a forgotten password is good for."""
RECOVERY_MAILS_PER_USER = environment.integer("RECOVERY_MAILS_PER_USER", 5)
"""How many such links a user is sent within SIGN_IN_FAILURES_PER_ACCOUNT_SECONDS; 0: no limit."""

# --- behind a TLS-terminating proxy ---

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if environment.flag("BEHIND_TLS_PROXY") else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = environment.flag("BEHIND_TLS_PROXY")

# --- logs: a JSON object per line on stderr ---

LOG_LEVEL = environment.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
_REPORT_HANDLERS = (
    {"sentry": {"class": "config.tracing.error_reports.ReportHandler"}}
    if SENTRY_DSN and not tracing_faults("", SENTRY_DSN)  # those are the doctor's to tell, who needs logs
    else {}
)
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "crossbar.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}, **_REPORT_HANDLERS},
    "root": {"handlers": ["stderr", *_REPORT_HANDLERS], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        "opentelemetry": {"level": "ERROR"},  # a collector that is away: a line for each batch
    },
}


# --- what the doctor looks at ---

SETTINGS_FAULTS = "config.faults.settings_faults"
SECRET_FILES = environment.secret_files()
"""The files that secrets were read from."""
