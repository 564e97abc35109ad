"""What each process calls when it starts: web workers, followers, workers of jobs, commands."""

from django.conf import settings


def set_up_tracing() -> None:
    """Trace and report, as the settings say."""
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        from config.tracing.spans import start_tracing

        start_tracing()
    if settings.SENTRY_DSN:
        from config.tracing.error_reports import start_reporting

        start_reporting(settings.SENTRY_DSN)
