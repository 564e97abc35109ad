"""Made-up data of a Kazoo 3.x, to try the migration on."""
