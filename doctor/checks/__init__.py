"""The checks, a file per subject. A check takes the scope of the examination, and yields findings."""
