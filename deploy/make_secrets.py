"""Creates the secrets that compose.yaml mounts. Existing ones are kept.

    python3 deploy/make_secrets.py voicemail.example.com

Writes to deploy/secrets/, a folder that only its owner can read:

* CouchDB's password, as the hash that CouchDB reads, and in the URL that the service reads;
* PostgreSQL's password, by itself and in a URL;
* SECRET_KEY;
* tls.pem, a self-signed certificate made with openssl. Replace it with a real certificate, chain and key in one file.
"""

import argparse
import hashlib
import os
import secrets
import subprocess
import uuid
from pathlib import Path

USER = "vmboxes"
_ROUNDS = 600_000  # CouchDB's default


def main() -> None:
    """Create the secrets that are missing, and print which ones."""
    parser = argparse.ArgumentParser(description="Creates the secrets of compose.yaml. Existing ones are kept.")
    parser.add_argument("host", help="the host name of the service for clients")
    parser.add_argument("--folder", type=Path, default=Path(__file__).resolve().parent / "secrets")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    folder.mkdir(mode=0o700, exist_ok=True)
    couchdb, postgresql = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    _write_together(
        folder,
        {
            "couchdb.ini": _couchdb_ini(couchdb),
            "couchdb_url": f"http://{USER}:{couchdb}@couchdb:5984\n",
        },
    )
    _write_together(
        folder,
        {
            "postgresql_password": postgresql,
            "database_url": f"postgresql://{USER}:{postgresql}@postgresql:5432/{USER}?connect_timeout=3\n",
        },
    )
    _write_together(folder, {"secret_key": secrets.token_urlsafe(48) + "\n"})
    if not (folder / "tls.pem").exists():
        _write_together(folder, {"tls.pem": _certificate(arguments.host)})


def _write_together(folder: Path, files: dict[str, str]) -> None:
    """Write files that belong together, unless they exist."""
    if all((folder / name).exists() for name in files):
        print(f"kept: {', '.join(files)}")
        return
    if any((folder / name).exists() for name in files):
        raise SystemExit(f"Some of {', '.join(files)} are missing in {folder}: they only fit together.")
    for name, content in files.items():
        # The image's user must be able to read the mounted file; the folder keeps other users of the machine out.
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w") as file:
            file.write(content)
    print(f"made: {', '.join(files)}")


def _couchdb_ini(password: str) -> str:
    """CouchDB's administrator with the hash of the password, and the node's id and cookie key, which never change."""
    salt = secrets.token_hex(16)
    key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), _ROUNDS).hex()
    return (
        f"[admins]\n{USER} = -pbkdf2:sha256-{key},{salt},{_ROUNDS}\n\n"
        f"[couchdb]\nuuid = {uuid.uuid4().hex}\n\n"
        f"[chttpd_auth]\nsecret = {secrets.token_hex(32)}\n"
    )


def _certificate(host: str) -> str:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", f"/CN={host}"]
    command += ["-addext", f"subjectAltName=DNS:{host}", "-keyout", "/dev/stdout", "-out", "/dev/stdout"]
    process = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own arguments
    return process.stdout


if __name__ == "__main__":
    main()
