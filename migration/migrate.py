"""Migrating: all accounts of a source, some of them, or some boxes, several boxes side by side.

Every step may be repeated, and finds what is done already; so whoever was killed anywhere just begins again. A box
is worked on batch by batch: its messages are stored and verified, then their entries leave its array.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from accounts.api.exception_handler import api_error
from couch.client import Database, Document, couch
from couch.errors import CouchError
from crossbar.errors import ApiError
from migration import audio_links, import_accounts, sources
from migration.import_accounts import NotBrought
from migration.legacy_array import ForeignKeeper, Keeper, ServedKeeper
from migration.months_import import Month
from migration.progress import Patient, Row, Stopped, Tally, Watch
from migration.sources import AccountSource, Box, Source, Survey
from storage.private_fields import Actor
from voicemail.legacy import boxes, entries
from voicemail.legacy import store as legacy_store
from voicemail.legacy.entries import Entry
from voicemail.legacy.outcomes import EntryResult, MigrationOptions, Outcome
from voicemail.messages import bulk

Item = TypeVar("Item")
Done = TypeVar("Done")

# A box is rewritten at most so often while it is migrated: its array may be megabytes long.
_SETTLINGS = 10


@dataclass(frozen=True)
class Options:
    """What is to be migrated, and how."""

    accounts: tuple[str, ...] = ()
    """Ids of accounts; none: all there are."""
    boxes: tuple[str, ...] = ()
    """Ids of boxes; none: all of the accounts."""
    dry_run: bool = False
    link: bool = False
    workers: int = 4
    batch: int = 200
    actor: Actor | None = None


@dataclass
class Work:
    """An account to work on."""

    source: AccountSource
    survey: Survey
    boxes: list[Box]
    shared: dict[str, str] = field(default_factory=dict)
    """Media ids that entries of several boxes have, each with the box whose message gets the first id."""
    account: Document = field(default_factory=dict)
    months: list[Database] = field(default_factory=list)
    """The MODbs that were there before."""
    rival: str | None = None
    """The account that has the same realm, and comes first by id: two can't have it."""
    theirs: list[Month] = field(default_factory=list)
    """The MODbs of another system."""


class Unknown(Exception):
    """An account or box that was asked for is not there; the text says which."""


def migrate(source: Source, options: Options, watch: Watch) -> Tally:
    """Migrate; returns when all is done, or when `watch.stop()` was called and the running batches have ended.

    Raises Unknown before anything is done, and Unreachable when a CouchDB stays away.
    """
    run = _Run(source, options, watch)
    with suppress(Stopped):
        run.all()
    watch.end(stopped=watch.stopping)
    return watch.tally


def survey(source: Source, options: Options, watch: Watch) -> list[Work]:
    """What there is to do: the accounts and their boxes. Raises Unknown."""
    known = watch.patiently(source.account_ids, source.is_up)
    missing = [one for one in options.accounts if one not in set(known)]
    if missing:
        raise Unknown(f"There is no account {', '.join(missing)}")
    ids = list(dict.fromkeys(options.accounts)) or known
    watch.expect(accounts=len(ids))
    works = [
        work for work in side_by_side(partial(_survey, source, options, watch), ids, options.workers, watch) if work
    ]
    realms: dict[str, str] = {}
    for work in sorted(works, key=lambda one: one.source.account_id):
        first = realms.setdefault(work.survey.realm or work.source.account_id, work.source.account_id)
        work.rival = first if first != work.source.account_id else None
    found = {box.id for work in works for box in work.boxes}
    lost = [one for one in options.boxes if one not in found]
    if lost and not watch.stopping:
        raise Unknown(f"There is no box {', '.join(lost)}{' in these accounts' if options.accounts else ''}")
    return works


def patient(source: Source, watch: Watch) -> Patient:
    """Waits for the served CouchDB and for that of the source."""
    return Patient(watch, lambda: couch().up() and source.is_up())


def side_by_side(
    function: Callable[[Item], Done], items: Iterable[Item], workers: int, watch: Watch
) -> Iterator[Done]:
    """The function's results as they come, several at a time; none are begun any more once the watch is stopping."""
    todo = iter(items)
    with ThreadPoolExecutor(max(workers, 1), thread_name_prefix="migration") as executor:
        running: set[Future[Done]] = set()
        try:
            while True:
                while len(running) < workers and not watch.stopping:
                    try:
                        running.add(executor.submit(function, next(todo)))
                    except StopIteration:
                        break
                if not running:
                    return
                done, running = wait(running, return_when="FIRST_COMPLETED")
                for future in done:
                    yield future.result()
        except BaseException:
            # One that gives up ends the others after their batch.
            watch.stop()
            raise


def _survey(source: Source, options: Options, watch: Watch, account_id: str) -> Work | None:
    account = source.account(account_id)

    def look() -> Work:
        # Seen anew each time: a repeat must not count twice.
        found = account.survey()
        wanted = [box for box in found.boxes if not options.boxes or box.id in options.boxes]
        return Work(account, found, wanted, _shared(account, found.boxes))

    try:
        work = watch.patiently(look, source.is_up)
    except Stopped:
        return None
    watch.warn(
        f"Box {one} of account {account_id} has `messages` that are no array: they stay as they are"
        for one in work.survey.odd
    )
    watch.expect(messages=sum(box.entries for box in work.boxes))
    return work


def _shared(account: AccountSource, found: Sequence[Box]) -> dict[str, str]:
    """The media ids that entries of several boxes have, each with the first of these boxes by id."""
    first: dict[str, str] = {}
    shared: dict[str, str] = {}
    for box in sorted(found, key=lambda one: one.id):
        if not box.entries:
            continue
        doc = account.documents([box.id]).get(box.id) or {}
        for entry in entries.parse_array(doc):
            if entry.media_id is not None and first.setdefault(entry.media_id, box.id) != box.id:
                shared[entry.media_id] = first[entry.media_id]
    return shared


class _Run:
    def __init__(self, source: Source, options: Options, watch: Watch) -> None:
        self.source, self.options, self.watch = source, options, watch
        self._patiently = patient(source, watch)

    def all(self) -> None:
        """Survey, bring what is missing, resolve links, migrate boxes."""
        watch, workers = self.watch, self.options.workers
        watch.warn(self.source.warnings)
        watch.phase("surveying")
        works = survey(self.source, self.options, watch)
        if not self.source.is_served:
            watch.add(left_out=self._patiently(self.source.left_out))
            watch.phase("bringing")
            watch.add(
                brought=self._patiently(
                    partial(import_accounts.bring_system, self.source, dry_run=self.options.dry_run)
                )
            )
        ready = [work for work in side_by_side(self._prepare, works, workers, watch) if work is not None]
        if not self.source.is_served:
            # First: entries whose messages are there already find them.
            watch.phase("bringing months")
            self._each(self._month, [each for work in ready for each in work.theirs])
        watch.phase("migrating")
        # The largest boxes first: none of them is then left alone at the end.
        left = Counter({id(work): len(work.boxes) for work in ready})
        units = [(work, box) for work in ready for box in work.boxes]
        units.sort(key=lambda unit: -unit[1].entries)
        for work in side_by_side(self._unit, units, workers, watch):
            left[id(work)] -= 1
            if not left[id(work)]:
                watch.account_done()
        for work in ready:
            if not work.boxes:
                watch.account_done()
        if self.source.is_served and not self.options.link and not self.options.boxes and not watch.stopping:
            watch.phase("resolving links")
            self._each(self._resolve, [work for work in ready if work.months])

    def _each(self, function: Callable[[Item], None], items: Iterable[Item]) -> None:
        for _ in side_by_side(function, items, self.options.workers, self.watch):
            pass

    def _prepare(self, work: Work) -> Work | None:
        """See to the account's documents; None when nothing of it can be migrated."""
        account_id = work.source.account_id
        try:
            work.account = self._patiently(partial(self._account, work))
            work.months = audio_links.month_databases(account_id, self._patiently)
            if not self.source.is_served:
                work.theirs = self._patiently(partial(months_of, work, self.options))
        except NotBrought as error:
            return self._give_up(work, error.reason, f"Account {account_id} is left out: {error}")
        except (ApiError, CouchError) as error:
            self._patiently.end_if_gone(error)
            reason = api_error(error).message
            return self._give_up(work, reason, f"Account {account_id} is left out: {told(error)}")
        if not sources.is_live(work.account):
            skipped = sum(box.entries for box in work.boxes)
            self.watch.expect(messages=-skipped)
            self.watch.warn(
                [f"Account {account_id} is deleted: its {skipped} messages stay as they are"] if skipped else []
            )
            self.watch.account_done()
            return None
        return work

    def _account(self, work: Work) -> Document:
        if self.source.is_served:
            doc = sources.account_document(work.source)
            if doc is None:
                raise NotBrought("no_account_document", "its document is nowhere")
            return doc
        brought = import_accounts.bring_account(
            work.source, work.survey, rival=work.rival, dry_run=self.options.dry_run
        )
        kept = {sources.ACCOUNT, sources.BOX, sources.USER, *sources.MEDIA}
        left_out = Counter({kind: count for kind, count in work.survey.kinds.items() if kind not in kept})
        self.watch.add(brought=brought.counts, left_out=left_out)
        return brought.account

    def _give_up(self, work: Work, reason: str, sentence: str) -> Work | None:
        self.watch.problem(work.source.account_id, None, reason, sentence)
        self.watch.expect(messages=-sum(box.entries for box in work.boxes))
        self.watch.account_done()
        return None

    @contextmanager
    def _blamed(self, account_id: str, box_id: str | None, sentence: str) -> Iterator[None]:
        """Within, what stops ends quietly, and what CouchDB refuses becomes a problem of that account or box."""
        try:
            yield
        except Stopped:
            pass
        except (ApiError, CouchError) as error:
            self._patiently.end_if_gone(error)
            self.watch.problem(account_id, box_id, api_error(error).message, f"{sentence}: {told(error)}")

    def _month(self, month: Month) -> None:
        account_id = month.source.account_id
        with self._blamed(account_id, None, f"Month {month.month} of account {account_id} is not brought"):
            for rows in month.bring(self._patiently, dry_run=self.options.dry_run):
                self.watch.expect(messages=len(rows))
                self.watch.rows(rows)
                if self.watch.stopping:
                    return
            self.watch.add(left_out=month.left_out)

    def _unit(self, unit: tuple[Work, Box]) -> Work:
        work, box = unit
        account_id = work.source.account_id
        with self._blamed(account_id, box.id, f"Box {box.id} of account {account_id} is not finished"):
            self._box(work, box.id)
        return work

    def _box(self, work: Work, box_id: str) -> None:
        account_id = work.source.account_id
        box = self._patiently(lambda: work.source.documents([box_id])).get(box_id)
        if box is None or box.get("pvt_type") != sources.BOX:
            return
        chosen = in_order(box)
        keeper = self._keeper(account_id, box, bool(chosen))
        how = self._how(work, box_id)
        pending: list[EntryResult] = []
        seen: set[str] = set()
        often = max(self.options.batch, -(-len(chosen) // _SETTLINGS))
        for start in range(0, len(chosen), self.options.batch):
            if self.watch.stopping:
                break
            some = chosen[start : start + self.options.batch]
            results = self._patiently(
                partial(legacy_store.store_messages, work.account, box, some, work.source.library, how)
            )
            pending += results
            if keeper is not None and len(pending) >= often:
                self._settle(keeper, pending)
                pending = []
            self.watch.rows(_rows(account_id, _once(results, seen) if how.dry_run else results))
        if keeper is not None:
            self._end(work, self._settle(keeper, pending))

    def _settle(self, keeper: Keeper, results: list[EntryResult]) -> Document | None:
        # What is stored is to leave the array also when nobody waits any more.
        return self._patiently(partial(keeper.settle, results))

    def _end(self, work: Work, box: Document | None) -> None:
        """Messages of a box that was deleted while they were stored go with it, as those before them."""
        if box is not None and not sources.is_live(box):
            actor = self.options.actor
            self._patiently(partial(bulk.remove_messages, work.account, box, None, None, actor, with_expired=True))

    def _keeper(self, account_id: str, box: Document, has_entries: bool) -> Keeper | None:
        if self.options.dry_run:
            return None
        if not self.source.is_served:
            return ForeignKeeper(account_id, box["_id"], self.options.actor)
        if has_entries or boxes.modernise(box) != box:
            return ServedKeeper(account_id, box["_id"], self.options.actor)
        return None

    def _how(self, work: Work, box_id: str) -> MigrationOptions:
        shared = frozenset(media_id for media_id, first in work.shared.items() if first != box_id)
        return MigrationOptions(
            link=self.options.link, dry_run=self.options.dry_run, actor=self.options.actor, shared_media=shared
        )

    def _resolve(self, work: Work) -> None:
        account_id = work.source.account_id
        with self._blamed(account_id, None, f"Links of account {account_id} are not all resolved"):
            for modb in work.months:
                self._resolve_month(modb)

    def _resolve_month(self, modb: Database) -> None:
        for rows in audio_links.resolve(modb, dry_run=self.options.dry_run, ask=self._patiently):
            self.watch.expect(messages=len(rows))
            self.watch.rows(rows)
            if self.watch.stopping:
                return


def months_of(work: Work, options: Options) -> list[Month]:
    """The MODbs of another system that are to be brought, or compared."""
    boxes = frozenset(box.id for box in work.boxes) if options.boxes else None
    return [Month(work.source, month, boxes) for month in work.source.months()]


def in_order(box: Document) -> list[Entry]:
    """A box's entries as they are worked on, those of a month together: a batch then asks few databases."""
    return sorted(entries.parse_array(box), key=lambda entry: entry.timestamp or 0)


def _once(results: Iterable[EntryResult], seen: set[str]) -> Iterator[EntryResult]:
    """The results of a dry run, as if those before had been stored."""
    for result in results:
        if result.message_id in seen and result.outcome is not Outcome.FAILED:
            yield replace(result, outcome=Outcome.PRESENT, copied=0)
            continue
        if result.message_id is not None:
            seen.add(result.message_id)
        yield result


def _rows(account_id: str, results: Iterable[EntryResult]) -> Iterator[Row]:
    for result in results:
        entry = result.entry
        yield Row(
            account_id,
            entry.box_id,
            entry.media_id,
            result.message_id,
            str(result.outcome),
            result.reason or "",
            result.copied,
        )


def told(error: ApiError | CouchError) -> str:
    """An error of CouchDB's as a sentence for an operator."""
    refusal = api_error(error)
    cause = refusal.data.get("cause") or refusal.data.get("message") or ""
    return f"{refusal.message} {cause}".strip()
