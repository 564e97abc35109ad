"""A job that tests can look at while it is done."""

import os
import time
from pathlib import Path

from django_tasks import task


@task
def wait_for_file(folder: str) -> None:
    """Write the number of this process to a file, wait for a file ``go``, and write a file ``done``."""
    directory = Path(folder)
    with (directory / "started").open("a") as file:
        file.write(f"{os.getpid()}\n")
    while not (directory / "go").exists():
        time.sleep(0.05)
    (directory / "done").touch()
