#!/usr/bin/env python
"""Django's command line: ``./manage.py help`` lists the commands."""

import os
import sys

from django.core.management import execute_from_command_line

from config.start import prepare_doctor, refuse_unsafe_settings
from config.tracing.setup import set_up_tracing


def main() -> None:
    """Run the command that is named on the command line."""
    os.umask(0o077)  # SQLite files and reports are for nobody else on the machine
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["doctor"]:
        prepare_doctor(as_json="--json" in sys.argv)
    else:
        refuse_unsafe_settings()
        set_up_tracing()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
