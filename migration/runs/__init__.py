"""Runs of the migration that operators start at the desk.

A run is a row in Django's database (`migration.models.MigrationRun`), and a process of its own that carries it out
and writes there how it goes: so it outlives the web worker that started it, and everybody sees it from everywhere.

    asking      start one, ask it to stop, notice those whose process is gone
    working     what the process does
    recording   how the process writes its progress and report, at most once a second
    reports     the report as a file
"""
