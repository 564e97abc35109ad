"""The .lock files: every library that the service, the tests and the image get, in one version, with its digests."""

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement

from doctor.checks.versions import read_requirements
from tests.support.servers import PROJECT

LOCKED = {
    "requirements.txt": "requirements.lock",
    "embedded_couchdb/requirements.txt": "embedded_couchdb/requirements.lock",
    "benchmarks/requirements.txt": "benchmarks/requirements.lock",
    "deploy/requirements.txt": "deploy/requirements.lock",
    "requirements-dev.txt": "requirements-dev.lock",
}


def normalized(requirement: Requirement) -> str:
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


def pins(path: str) -> dict[str, str]:
    """The libraries in a file that this Python gets, with their versions."""
    return {normalized(each): str(each.specifier).removeprefix("==") for each in read_requirements(PROJECT / path)}


@pytest.mark.parametrize("requirements", LOCKED)
def test_the_lock_has_every_requirement_in_its_version(requirements: str) -> None:
    locked = pins(LOCKED[requirements])
    assert pins(requirements).items() <= locked.items(), "make lock"
    assert locked.items() <= pins("requirements-dev.lock").items() | pins("deploy/requirements.lock").items()


@pytest.mark.parametrize("lock", LOCKED.values())
def test_every_locked_library_has_digests(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (PROJECT / lock).read_text().strip())
    assert len(entries) > 5
    assert [entry for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)] == []


def test_the_tests_run_with_what_is_locked() -> None:
    installed = {name: metadata.version(name) for name in pins("requirements.lock")}
    assert installed == pins("requirements.lock")
