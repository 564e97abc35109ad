"""Kazoo's HTTP dialect, knowing nothing of voicemail."""
