"""Mailboxes are used at any request of a migration that links their audio: no message is lost or doubled."""

from collections.abc import Callable

import pytest

from tests.support.api_client import Account, Api
from tests.support.mailboxes_in_use import MailboxesInUse, check_use_during_migration

pytestmark = pytest.mark.long


@pytest.mark.parametrize("part", range(3))
def test_use_while_audio_is_linked_loses_no_message(
    new_account: Callable[..., Account], log_in: Callable[..., Api], part: int
) -> None:
    def new_mailboxes() -> MailboxesInUse:
        account = new_account()
        return MailboxesInUse(account, log_in(account))

    check_use_during_migration(new_mailboxes, link=True, part=part)
