"""What is wrong with the settings of traces and error reports."""

import re
from importlib import metadata

_PACKAGES = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
    "SENTRY_DSN": ("sentry-sdk",),
}
_DSN = re.compile(r"https?://[^\s/:@]+(:[^\s/@]*)?@[^\s/@]+(/[^\s/?#]+)*/\d+")


def tracing_faults(endpoint: str, dsn: str) -> list[str]:
    """Return a sentence for each fault of OTEL_EXPORTER_OTLP_ENDPOINT and SENTRY_DSN, which may be empty."""
    sentences = []
    if endpoint and not re.match(r"https?://[^\s/]", endpoint):
        sentences.append("OTEL_EXPORTER_OTLP_ENDPOINT must be like http://HOST:4318.")
    if dsn and not _DSN.fullmatch(dsn):
        sentences.append("SENTRY_DSN must be like https://KEY@HOST/NUMBER.")
    for setting, value in (("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("SENTRY_DSN", dsn)):
        if value and not all(map(_is_installed, _PACKAGES[setting])):
            names = " and ".join(_PACKAGES[setting])
            sentences.append(f"{setting} takes {names}: pip install -r deploy/requirements-tracing.txt.")
    return sentences


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
