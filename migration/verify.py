"""Verify a migration: read both sides again, message by message, and report every difference. Writes nothing.

Two ways: in place (`verify_in_place`) the entries are gone; against another system or a backup (`verify_source`)
each entry's message is built again and compared. Either way `verify_owners` looks at whose all documents are.
"""

from contextlib import suppress
from functools import partial

from couch.errors import CouchError
from crossbar.errors import ApiError
from migration import verify_owners
from migration.concurrency import map_in_threads
from migration.import_accounts import CannotImport
from migration.outages import error_reason
from migration.progress import Progress, Stopped, Tally
from migration.sources import Source
from migration.survey import RunOptions, SurveyedAccount, outage_retry, survey_accounts
from migration.verification import Verification
from migration.verify_in_place import InPlaceVerification
from migration.verify_source import SourceVerification


def verify(source: Source, options: RunOptions, progress: Progress) -> Tally:
    """Compare what is here with what it came from.

    Outcomes: those of `compare`, and missing, extra, marked (an entry that can't be migrated and stays in its
    mailbox), unclaimed (audio that no message and no entry names). Raises UnknownId, Unreachable.
    """
    with suppress(Stopped):
        accounts = survey_accounts(source, options, progress)
        progress.begin_phase("verifying")
        verify_account = partial(_verify_account, source, options, progress)
        for _ in map_in_threads(verify_account, accounts, options.workers, progress):
            progress.finish_account()
    progress.finish()
    return progress.tally


def _verify_account(source: Source, options: RunOptions, progress: Progress, account: SurveyedAccount) -> None:
    account_id = account.account_id
    retry = outage_retry(source, options, progress)
    kind: type[Verification] = InPlaceVerification if source.is_served else SourceVerification
    try:
        kind(options, progress, account, retry).run()
        foreign = [
            row
            for row in verify_owners.find_foreign(source, account_id, retry)
            if not options.boxes or {row.box_id, row.message_id} & set(options.boxes)
        ]
        progress.expect(messages=len(foreign))
        progress.add_rows(foreign)
    except Stopped:
        pass
    except CannotImport as error:
        progress.add_problem(account_id, None, error.reason, f"Account {account_id} is not here: {error}")
    except (ApiError, CouchError) as error:
        retry.reraise_outage(error)
        sentence = f"Account {account_id} is not verified: {error_reason(error)}"
        progress.add_problem(account_id, None, error_reason(error), sentence)
