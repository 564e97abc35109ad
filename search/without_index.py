"""What CouchDB's views answer while there is no index, or one that nobody keeps up to date.

Accounts are found by words of their names and realms. Users, mailboxes and messages are found in the accounts that
a word of the text names: ``4155550123 acme``. No view has those of all accounts.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from accounts import account_index, users
from couch.database import Document
from crossbar.filters import Filter
from crossbar.pages import PageRequest, TimeRange
from search import terms
from search.entries import entry_of
from search.finding import Group, Result
from search.models import Kind
from search.terms import Term
from storage import folding, gregorian, word_search
from voicemail.mailboxes import search as mailbox_search
from voicemail.messages import listing, retention

_ACCOUNTS_PER_TERM = 3
_MESSAGES_READ = 1_000


def find_in_views(text: str, kinds: Iterable[Kind], account_ids: Collection[str] | None, limit: int) -> list[Group]:
    """Return what the views have, in groups as those of `search.finding.find`. Raises CouchError."""
    parsed = terms.parse(text)
    if not parsed:
        return []

    def is_visible(doc: Document) -> bool:
        return account_ids is None or doc["_id"] in account_ids

    results: dict[Kind, list[Result]] = {kind: [] for kind in kinds}
    if Kind.ACCOUNT in results:
        page = account_index.search(text, PageRequest(limit + 1), is_visible)
        results[Kind.ACCOUNT] = _results_of(page.entries)
    for account, other_terms in _named_accounts(parsed, is_visible):
        for kind, find_in in _FINDERS.items():
            if kind in results:
                results[kind] += find_in(account, other_terms, limit + 1)
    groups = [Group(kind, listed[:limit], len(listed) > limit) for kind, listed in results.items()]
    return [group for group in groups if group.results]


def _named_accounts(
    parsed: Sequence[Term], is_visible: Callable[[Document], bool]
) -> Iterator[tuple[Document, list[Term]]]:
    """Yield the accounts that some of several terms name, each with the terms that don't."""
    if len(parsed) < 2:
        return
    named: dict[str, Document] = {}
    for term in parsed:
        page = account_index.search(term.text, PageRequest(_ACCOUNTS_PER_TERM), is_visible)
        named |= {doc["_id"]: doc for doc in page.entries}
    for account in named.values():
        names = (account.get("name"), account.get("realm"))
        others = [term for term in parsed if not word_search.matches(folding.search_words(term.text), names)]
        if others:
            yield account, others


def _find_users(account: Document, parsed: Sequence[Term], limit: int) -> list[Result]:
    return _results_of(users.search(account["_id"], _text_of(parsed), PageRequest(limit)).entries, account)


def _find_mailboxes(account: Document, parsed: Sequence[Term], limit: int) -> list[Result]:
    return _results_of(mailbox_search.suggest(account["_id"], _text_of(parsed), limit).entries, account)


def _find_messages(account: Document, parsed: Sequence[Term], limit: int) -> list[Result]:
    """The messages within the retention whose caller matches, of the latest thousand."""
    account_id, now = account["_id"], gregorian.now()

    def is_match(summary: object) -> bool:
        return isinstance(summary, dict) and all(_matches_caller(term, summary) for term in parsed)

    page = listing.list_messages(
        account_id,
        None,
        PageRequest(limit, descending=True),
        TimeRange(retention.limit(account_id, now), now, is_open=True),
        Filter([is_match]),
        None,
        max_rows=_MESSAGES_READ,
    )
    return [
        Result(
            kind=Kind.MESSAGE,
            account_id=account_id,
            account_name=str(account.get("name") or account_id),
            document_id=str(entry.summary["media_id"]),
            title=str(entry.summary.get("caller_id_name") or entry.summary.get("caller_id_number") or ""),
            detail=str(entry.summary.get("caller_id_number") or ""),
            box_id=entry.box_id,
            time=int(entry.summary.get("timestamp") or 0),
        )
        for entry in page.entries
    ]


_FINDERS: dict[Kind, Callable[[Document, Sequence[Term], int], list[Result]]] = {
    Kind.MAILBOX: _find_mailboxes,
    Kind.USER: _find_users,
    Kind.MESSAGE: _find_messages,
}


def _matches_caller(term: Term, summary: dict[str, object]) -> bool:
    number, name = str(summary.get("caller_id_number") or ""), str(summary.get("caller_id_name") or "")
    if term.is_number:
        return folding.is_number_found(term.word, number)
    return folding.has_parts(f"{number} {name}", folding.search_parts(term.text))


def _text_of(parsed: Sequence[Term]) -> str:
    return " ".join(term.text for term in parsed)


def _results_of(docs: Iterable[Document], account: Document | None = None) -> list[Result]:
    results = []
    for doc in docs:
        account_doc = account or doc
        entry = entry_of(account_doc["_id"], None, doc)
        if entry is not None:
            results.append(
                Result(
                    kind=Kind(entry.kind),
                    account_id=entry.account_id,
                    account_name=str(account_doc.get("name") or account_doc["_id"]),
                    document_id=entry.document_id,
                    title=entry.title,
                    detail=entry.detail,
                )
            )
    return results
