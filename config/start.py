"""What comes first, however the service is started."""

import errno
import socket
import sys
import time

_PORT_PAUSE = 0.1  # seconds


def refuse_unsafe_settings() -> None:
    """End the process with a sentence for each setting with which nobody should be served."""
    from django.core.exceptions import ImproperlyConfigured

    try:
        from config.faults import settings_faults

        sentences = settings_faults()
    except ImproperlyConfigured as error:
        sys.exit(f"Not started: {error}")
    if sentences:
        sys.exit("Not started: " + " ".join(sentences))


def prepare_doctor(*, as_json: bool) -> None:
    """Load the settings for ``manage.py doctor``, which tells unsafe ones itself.

    If they can't be read, or a library is missing, print that as the doctor would, and end with its status.
    """
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management.color import no_style

    from doctor import outcome, report

    try:
        django.setup()
    except (ImproperlyConfigured, ImportError) as error:
        reports = [outcome.report_failed_start(str(error).rstrip(".") + ".")]
        print(report.format_json(reports) if as_json else report.format_text(reports, no_style()))
        sys.exit(outcome.exit_status(reports))


def wait_for_port(host: str, port: int, seconds: float) -> bool:
    """Wait until nobody listens at an address, for so many seconds at most; whether nobody does.

    When gunicorn's master is killed, its workers keep the port until the requests under way are done. A new master
    would try for five seconds and end.
    """
    deadline = time.monotonic() + seconds
    while not _is_free(host, port):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PORT_PAUSE)
    return True


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE  # what else is wrong, gunicorn says
    return True
