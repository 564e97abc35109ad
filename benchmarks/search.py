"""What the search over all accounts costs: filling its index, its size, a change, and how soon results are there.

Documents are generated and put into the index as a follower would put them; no CouchDB is asked.
"""

import json
import os
import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command

from benchmarks import report
from config import environment
from storage import database_names

_MONTH = "202611"
_FIRST_TIME = 63_900_000_000
_ROUNDS = 5
_NAMES = ("Acme", "Harbour", "Pacific", "Green Valley", "Nordic", "Sunrise", "Union", "Atlas", "Cedar", "Delta")
_TRADES = ("Dental", "Freight", "Logistics", "Law", "Plumbing", "Bakery", "Clinic", "Motors", "Insurance", "Optics")
_PEOPLE = ("Ada", "Grace", "Alan", "Linus", "Zoë", "Charles", "Jane", "Amara", "Jonas", "Maria")
_SPOKEN = tuple(
    word
    for line in (
        "hello this is please call me back about the appointment tomorrow morning invoice address delivery order",
        "number thank you very much have a good day meeting week office doctor urgent change time price contract",
    )
    for word in line.split()
)
_QUERIES = {
    "one word of an account": "acme",
    "an account's realm": "tenant0042",
    "a number as dictated": "+1 (415) 555-01",
    "six digits inside": "155501",
    "a number and half a name": "{number} acm",
    "a caller's name and a company": "ada nordic",
    "a word of every third transcription": "appointment",
    "the beginning of most words": "a",
    "two common words": "please call",
    "a message id": "{message_id}",
    "a part of a message id": "{part}",
    "a user's e-mail": "ada7@tenant0042.example.com",
    "a mailbox's number": "1001",
    "nothing": "xyzzyplugh",
}


def measure_search() -> None:
    """Print what filling takes, how large the index is, and how long searches take; save it all as JSON."""
    accounts = environment.integer("ACCOUNTS", 1_000, minimum=1)
    messages = environment.integer("MESSAGES", 100_000, minimum=1)
    with tempfile.TemporaryDirectory(prefix="vmboxes-bench-") as folder:
        _set_up_folder(Path(folder))
        from django.db import connection

        random.seed(16)
        figures: dict[str, Any] = {"accounts": accounts, "messages": messages, "database": connection.vendor}
        figures |= _fill_accounts(accounts, messages // accounts)
        figures["bytes"] = _size(Path(folder))
        figures["change_ms"] = _measure_change()
        print(
            f"{accounts:,} accounts and {messages:,} messages in {connection.vendor}: "
            f"filled in {figures['fill_seconds']:.0f} s ({figures['documents']:,} documents, "
            f"{figures['fill_seconds'] / figures['documents'] * 1e6:.0f} µs each), {figures['bytes'] / 1e6:.0f} MB; "
            f"a change costs {figures['change_ms']:.1f} ms"
        )
        figures["searches"] = dict(_searches())
        for name, (median, longest, count) in figures["searches"].items():
            print(f"{name:40} {median:7.1f} ms, at most {longest:7.1f} ms, {count} results", flush=True)
    out = Path(environment.text("OUT", "var/bench"))
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"search-{time.strftime('%Y%m%d-%H%M%S')}.json"
    file.write_text(json.dumps({"about": report.machine(), **figures}, indent=1))
    print(f"Saved {file}")


def _set_up_folder(folder: Path) -> None:
    os.environ |= {
        "COUCHDB_URL": "http://nobody:nothing@127.0.0.1:1",
        "SECRET_KEY": secrets.token_hex(32),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder / 'django.sqlite3'}")
    django.setup()
    call_command("migrate", verbosity=0)


def _fill_accounts(accounts: int, messages_each: int) -> dict[str, Any]:
    from search import index

    documents, seconds = 0, 0.0
    for number in range(accounts):
        account_id = f"{number:04x}" + f"{random.getrandbits(112):028x}"
        databases = (
            (database_names.account_db(account_id), list(_documents(account_id, number))),
            (database_names.modb(account_id, _MONTH), [_spoken_message(account_id, n) for n in range(messages_each)]),
        )
        started_at = time.perf_counter()
        for name, docs in databases:
            index.put_documents(name, docs)
            documents += len(docs)
        seconds += time.perf_counter() - started_at
        if number % 100 == 99:
            report.print_progress(f"indexed {number + 1:,} of {accounts:,} accounts")
    return {"documents": documents, "fill_seconds": seconds}


def _documents(account_id: str, number: int) -> Iterator[dict[str, Any]]:
    name = f"{_NAMES[number % 10]} {_TRADES[number // 10 % 10]} {number}"
    realm = f"tenant{number:04}.example.com"
    yield {"_id": account_id, "pvt_type": "account", "name": name, "realm": realm}
    for user in range(10):
        person = _PEOPLE[user]
        members = {"first_name": person, "last_name": f"Miller{user}", "username": f"{person}{user}"}
        yield {"_id": _id(), "pvt_type": "user", "email": f"{person.lower()}{user}@{realm}", **members}
        yield {"_id": _id(), "pvt_type": "vmbox", "mailbox": f"{1000 + user}", "name": f"{person}'s mailbox"}


def _spoken_message(account_id: str, number: int) -> dict[str, Any]:
    caller = f"+1415555{random.randrange(10_000):04}"  # noqa: S311 - no secret
    text = " ".join(random.choices(_SPOKEN, k=30)) + f" {random.randrange(10_000)}"  # noqa: S311 - no secret
    return {
        "_id": f"{_MONTH}-{_id()}",
        "pvt_type": "mailbox_message",
        "source_id": account_id[::-1],
        "transcription": {"text": text},
        "metadata": {
            "caller_id_number": caller,
            "caller_id_name": f"{random.choice(_PEOPLE)} Jones",  # noqa: S311 - no secret
            "call_id": f"{_id()}@10.0.0.1",
            "timestamp": _FIRST_TIME + number,
        },
    }


def _id() -> str:
    return f"{random.getrandbits(128):032x}"


def _size(folder: Path) -> int:
    """The bytes of the index: of SQLite's file, which has hardly anything else, or of PostgreSQL's tables."""
    from django.db import connection

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return (folder / "django.sqlite3").stat().st_size
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('search_entry')")
        return int(cursor.fetchone()[0])


def _measure_change() -> float:
    """The milliseconds that indexing one changed message takes."""
    from search import index
    from search.models import Entry, Kind

    account_ids = list(Entry.objects.filter(kind=Kind.ACCOUNT).values_list("account_id", flat=True)[:200])
    docs = [(database_names.modb(account_id, _MONTH), _spoken_message(account_id, 1)) for account_id in account_ids]
    started_at = time.perf_counter()
    for name, doc in docs:
        index.put_documents(name, [doc])
    return (time.perf_counter() - started_at) * 1000 / len(docs)


def _searches() -> Iterator[tuple[str, tuple[float, float, int]]]:
    """Yield how long each search takes until its results are there: median and longest in ms, and their number."""
    from search import finding
    from search.finding import Reach
    from search.models import Entry, Kind

    account = Entry.objects.filter(kind=Kind.ACCOUNT, title__startswith="Acme")[0]
    message = Entry.objects.filter(kind=Kind.MESSAGE, account_id=account.account_id)[0]
    facts = {"number": message.detail, "message_id": message.document_id, "part": message.document_id[15:30]}
    for name, template in _QUERIES.items():
        text, times, groups = template.format(**facts), [], []
        for _ in range(_ROUNDS):
            started_at = time.perf_counter()
            groups = finding.find(text, tuple(Kind), Reach(), 8)
            times.append((time.perf_counter() - started_at) * 1000)
        yield name, (statistics.median(times), max(times), sum(len(group.results) for group in groups))
