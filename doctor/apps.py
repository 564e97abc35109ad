"""The doctor as a Django app: its command, and Django's system checks."""

from django.apps import AppConfig
from django.core import checks


class DoctorConfig(AppConfig):
    """It has no tables."""

    name = "doctor"
    verbose_name = "Doctor"

    def ready(self) -> None:
        """Register the system checks."""
        from doctor.system_checks import check_deployment, check_installation

        checks.register(check_installation, "doctor")
        checks.register(check_deployment, "doctor", deploy=True)
