"""Makes what compose.yaml mounts as secrets, each once: what is there stays as it is.

    python3 deploy/make_secrets.py voicemail.example.com

Writes deploy/secrets/ (nobody else may read it): a password for CouchDB, twice, as the hash that CouchDB reads and in
the URL that the service reads; one for PostgreSQL, twice as well; SECRET_KEY; and, with openssl, a self-signed
certificate for trying out, to be replaced by a real one (tls.pem: certificate, chain and key in one file).
"""

import argparse
import hashlib
import os
import secrets
import subprocess
import uuid
from pathlib import Path

USER = "vmboxes"
_ROUNDS = 600_000  # CouchDB's own default


def main() -> None:
    """Make what is missing, and say so."""
    parser = argparse.ArgumentParser(description="Makes the secrets of compose.yaml, each once.")
    parser.add_argument("host", help="the name that clients reach the service by")
    parser.add_argument("--folder", type=Path, default=Path(__file__).resolve().parent / "secrets")
    given = parser.parse_args()
    folder: Path = given.folder
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
        _write_together(folder, {"tls.pem": _certificate(given.host)})


def _write_together(folder: Path, files: dict[str, str]) -> None:
    """Write files that belong together, unless they are there."""
    if all((folder / name).exists() for name in files):
        print(f"kept: {', '.join(files)}")
        return
    if any((folder / name).exists() for name in files):
        raise SystemExit(f"Of {', '.join(files)} some are missing in {folder}: they only fit together.")
    for name, content in files.items():
        # Compose mounts the file as it is, for the image's own user to read: the folder keeps others out.
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w") as file:
            file.write(content)
    print(f"made: {', '.join(files)}")


def _couchdb_ini(password: str) -> str:
    """An administrator in CouchDB's own form, and what restarts of a node should keep: its id, its cookies' key."""
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
    made = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    return made.stdout


if __name__ == "__main__":
    main()
