"""What there is to do: the accounts of a source, their mailboxes, and the options of a run."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from couch.client import couch
from migration.concurrency import map_in_threads
from migration.outages import CHECK_SECONDS, PATIENCE_SECONDS, OutageRetry
from migration.progress import Progress, Stopped
from migration.sources import AccountSource, Source, Survey, SurveyedBox
from storage import ownership
from storage.private_fields import Actor
from voicemail.legacy import entries


@dataclass(frozen=True)
class RunOptions:
    """What to process, and how."""

    accounts: tuple[str, ...] = ()
    """Ids of accounts; empty for all."""
    boxes: tuple[str, ...] = ()
    """Ids of mailboxes; empty for all of the accounts."""
    dry_run: bool = False
    link: bool = False
    """Link to the audio, and don't copy it."""
    workers: int = 4
    batch: int = 200
    actor: Actor | None = None
    patience: float = PATIENCE_SECONDS
    """For how many seconds to wait for a CouchDB that is away."""


@dataclass
class SurveyedAccount:
    """An account to process."""

    source: AccountSource
    survey: Survey
    boxes: list[SurveyedBox]
    """Those of its mailboxes that are to be processed."""
    media_ids: list[str]
    """Ids of its media documents that are to be processed, in order. Not all of them need exist."""
    shared_media: Mapping[str, str] = field(default_factory=dict)
    """Media ids in several mailboxes' entries, each with the mailbox whose message gets the first id."""
    realm_owner: str | None = None
    """The account of the source that has the same realm and the smaller id: only one can have it."""

    @property
    def account_id(self) -> str:
        """The account's id."""
        return self.source.account_id

    @property
    def entries(self) -> int:
        """How many entries its mailboxes have."""
        return sum(box.entries for box in self.boxes)

    def media_of_other_boxes(self, box_id: str) -> frozenset[str]:
        """Media ids for which the message of another mailbox gets the first id."""
        return frozenset(media_id for media_id, first in self.shared_media.items() if first != box_id)


class UnknownId(Exception):
    """An account or mailbox named in the options doesn't exist; the text says which."""


def outage_retry(source: Source, options: RunOptions, progress: Progress) -> OutageRetry:
    """Waits for the served CouchDB and for that of the source."""
    return OutageRetry(progress, lambda: couch().is_up(CHECK_SECONDS) and source.is_up(), options.patience)


def survey_accounts(source: Source, options: RunOptions, progress: Progress) -> list[SurveyedAccount]:
    """The accounts to process. Raises UnknownId."""
    progress.add_warnings(source.warnings)
    for sentence in source.refusals:
        progress.add_problem("", None, ownership.REASON, sentence)
    retry = OutageRetry(progress, source.is_up, options.patience)
    all_ids = retry(source.account_ids)
    unknown_ids = [account_id for account_id in options.accounts if account_id not in set(all_ids)]
    if unknown_ids:
        raise UnknownId(f"There is no account {', '.join(unknown_ids)}")
    ids = list(dict.fromkeys(options.accounts)) or all_ids
    progress.expect(accounts=len(ids))
    survey = partial(_survey_account, source, options, progress, retry)
    accounts = [account for account in map_in_threads(survey, ids, options.workers, progress) if account]
    _find_realm_owners(accounts)
    if not progress.is_stopping:
        _require_boxes(options, accounts)
    return accounts


def _survey_account(
    source: Source, options: RunOptions, progress: Progress, retry: OutageRetry, account_id: str
) -> SurveyedAccount | None:
    account_source = source.account(account_id)

    def survey() -> SurveyedAccount:
        survey = account_source.survey()
        boxes = [box for box in survey.boxes if not options.boxes or box.id in options.boxes]
        entry_media = _read_entries(account_source, survey.boxes)
        media_ids = _select_media(survey, boxes if options.boxes else None, entry_media.all)
        return SurveyedAccount(account_source, survey, boxes, media_ids, entry_media.shared)

    try:
        account = retry(survey)
    except Stopped:
        return None
    progress.add_warnings(
        f"Box {box_id} of account {account_id} has `messages` that are no array: they stay as they are"
        for box_id in account.survey.boxes_without_array
    )
    if account.survey.foreign:
        sentence = (
            f"Documents in the database of account {account_id} that name another account are left out "
            f"({account.survey.foreign}). {ownership.ADVICE}"
        )
        progress.add_problem(account_id, None, ownership.REASON, sentence)
    progress.expect(messages=account.entries)
    return account


class _EntryMedia(NamedTuple):
    """The media ids in the mailboxes' entries, each with the first of its mailboxes by id."""

    all: dict[str, str]
    shared: dict[str, str]
    """Those in the entries of several mailboxes."""


def _read_entries(source: AccountSource, boxes: Sequence[SurveyedBox]) -> _EntryMedia:
    media = _EntryMedia({}, {})
    for box in sorted(boxes, key=lambda box: box.id):
        if not box.entries:
            continue
        doc = source.fetch([box.id]).get(box.id) or {}
        for entry in entries.parse_array(doc):
            if entry.media_id is not None and media.all.setdefault(entry.media_id, box.id) != box.id:
                media.shared[entry.media_id] = media.all[entry.media_id]
    return media


def _select_media(survey: Survey, boxes: Sequence[SurveyedBox] | None, ids_in_entries: Container[str]) -> list[str]:
    """Ids of the media documents to process: what some mailboxes play, or, without these, all of the account.

    A document that an entry names is a message's recording, unless it is played as a greeting as well.
    """
    if boxes is not None:
        return sorted({media_id for box in boxes for media_id in survey.greetings_of(box)})
    other_media = {media_id for media_id in survey.media_ids if media_id not in ids_in_entries}
    return sorted(other_media | survey.greeting_ids)


def _find_realm_owners(accounts: Sequence[SurveyedAccount]) -> None:
    owners: dict[str, str] = {}
    for account in sorted(accounts, key=lambda account: account.account_id):
        owner = owners.setdefault(account.survey.realm or account.account_id, account.account_id)
        account.realm_owner = owner if owner != account.account_id else None


def _require_boxes(options: RunOptions, accounts: Sequence[SurveyedAccount]) -> None:
    present = {box.id for account in accounts for box in account.boxes}
    unknown_ids = [box_id for box_id in options.boxes if box_id not in present]
    if unknown_ids:
        suffix = " in these accounts" if options.accounts else ""
        raise UnknownId(f"There is no box {', '.join(unknown_ids)}{suffix}")
