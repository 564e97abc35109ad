"""An S3 server as a process of its own: moto's."""

import subprocess
import sys
from pathlib import Path

from tests.support.servers import Running, answers, free_port, spawn, wait_until

ACCESS = {
    "AWS_ACCESS_KEY_ID": "tests",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def start_s3_server(folder: Path) -> Running:
    """The server, which keeps everything in memory; its url is what AWS_ENDPOINT_URL_S3 takes."""
    port = free_port()
    process: subprocess.Popen[bytes] = spawn(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], folder / "s3.log"
    )
    running = Running(process, f"http://127.0.0.1:{port}", folder / "s3.log")
    wait_until(lambda: process.poll() is not None or answers(f"{running.url}/moto-api/"))
    assert process.poll() is None, running.logged()
    return running
