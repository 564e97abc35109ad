"""The doctor: looks for what is wrong with an installation, says what to do, and repairs what is safe to repair.

findings     what is wrong, how bad it is, and what to do      subjects    what is examined, in which order
checks/      a file per subject; each check returns findings   data/       what ``--deep`` reads: every document
examination  runs the checks, whatever fails on the way        report      as text and as JSON

It changes no document. What it repairs is what other commands would create, and permissions of files.
"""
