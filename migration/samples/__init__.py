"""Data as a Kazoo 3.x left it, for tests, measurements and trying out: the same for the same seed."""
