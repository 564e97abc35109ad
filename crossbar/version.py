"""The service's version: the one place that says it."""

VERSION = "1.0.0"
"""As `semantic versioning <https://semver.org>`_ has it. CHANGELOG.md says what each version brings."""
