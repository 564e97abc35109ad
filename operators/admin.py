"""Registers operators and groups with Django's admin, which imports this module by its name."""

import operators.pages  # noqa: F401 - importing registers
