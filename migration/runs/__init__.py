"""Runs of the migration that operators start at the desk.

A run is a row in Django's database (`migration.models.MigrationRun`) and a process of its own, which writes its
progress there. So a run outlives the web worker that started it, and can be watched from every instance.
"""
