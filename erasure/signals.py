"""What rooms above are told of erasures."""

from django.dispatch import Signal

erasure_ended = Signal()
"""Sent by a worker with the `erasure` and the `action` that it has done: ``erased``, ``undid``, ``stopped``."""
