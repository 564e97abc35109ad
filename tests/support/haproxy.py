"""HAProxy with one of the configurations in deploy/."""

import os
import socket
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support.servers import spawn


def start_haproxy(configuration: str, folder: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """HAProxy with a certificate of its own and, as on Debian, a master with a socket for commands.

    Both the socket, haproxy.sock, and its log, haproxy.log, are in the folder.
    """
    certificate = folder / "tls.pem"
    _write_certificate(certificate)
    socket_options = ["-W", "-S", str(folder / "haproxy.sock")]
    command = [os.environ.get("HAPROXY", "haproxy"), *socket_options, "-f", configuration]
    return spawn(command, folder / "haproxy.log", {**os.environ, "TLS_PEM": str(certificate), **settings})


def tell_haproxy(folder: Path, command: str) -> str:
    """What HAProxy says to a command, such as ``show stat``."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / "haproxy.sock"))
        connection.sendall(f"@1 {command}\n".encode())
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile().read()


def _write_certificate(path: Path) -> None:
    """A certificate of the machine's own, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    path.write_bytes(certificate + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
