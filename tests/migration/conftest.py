"""Accounts of Kazoo 3.x for the tests of the migration."""

from typing import Any

import pytest

from tests.support.kazoo3 import Kazoo3, Maker


@pytest.fixture
def old_account(created_accounts: list[str]) -> Maker:
    """Makes accounts of 3.x, to be filled and stored; they are gone at the end."""

    def make(**fields: Any) -> Kazoo3:
        made = Kazoo3(**fields)
        created_accounts.append(made.id)
        return made

    return make


@pytest.fixture
def old(old_account: Maker) -> Kazoo3:
    """An account of 3.x."""
    return old_account()
