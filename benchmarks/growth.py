"""``make bench-growth``: how calls slow down with an account's messages, and with the number of accounts.

A call whose time grows with data that it doesn't return is a fault, unless CouchDB itself slows down as much. So the
bare requests are measured beside each call, and the verdict is about what the API adds to them.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks import many_accounts, plot, report
from benchmarks.calls import CALLS, IN_MANY_ACCOUNTS, IN_ONE_ACCOUNT
from benchmarks.data import Dataset, SingleAccountDataset, Size, Tenant
from benchmarks.measuring import Row
from benchmarks.session import Session
from config import environment
from couch.parallel import in_parallel

# A call whose p50 grows at most this many times as much as that of the bare requests grows as CouchDB does.
_TOLERANCE = 1.5
# A call that takes at most this many times as long at the largest size as at the smallest doesn't grow.
_FLAT = 1.5


@dataclass
class Growth:
    """One call at several sizes."""

    part: str
    call: str
    sizes: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def factor(self, side: str) -> float:
        """The p50 of a side (`api` or `bare`) at the largest size, divided by that at the smallest."""
        first, last = (getattr(row, side).p50 for row in (self.rows[0], self.rows[-1]))
        return float(last / first)

    @property
    def verdict(self) -> str:
        """Whether the call grows, in a few words."""
        if self.factor("api") <= _FLAT:
            return "flat"
        if self.factor("api") <= self.factor("bare") * _TOLERANCE:
            return "grows as CouchDB does"
        return "GROWS"

    def as_json(self) -> dict[str, Any]:
        """The report's entry."""
        measured = [{"size": size, **row.as_json()} for size, row in zip(self.sizes, self.rows, strict=True)]
        factors = {"api": self.factor("api"), "bare": self.factor("bare")}
        return {"part": self.part, "call": self.call, "growth": factors, "verdict": self.verdict, "sizes": measured}


def measure_growth(session: Session) -> None:
    """Measure, print and save."""
    print(report.describe(session.about), flush=True)
    messages = _sizes("MESSAGE_COUNTS", "1000,10000,100000")
    accounts = _sizes("ACCOUNT_COUNTS", "10,100,1000")
    growths = [*_by_messages(session, messages), *_by_accounts(session, accounts)]
    file = session.options.file("growth")
    report.save_json(file.with_suffix(".json"), session.about, [growth.as_json() for growth in growths])
    plot.save_growth(file.with_suffix(".png"), session.about, _plot_points(growths))
    print(f"Saved {file}.json and .png")


def _by_messages(session: Session, sizes: Sequence[int]) -> list[Growth]:
    """Measure each call in accounts with several numbers of messages."""
    growths: list[Growth] = []
    with ExitStack() as stack:
        size = Size.read()
        datasets = [
            SingleAccountDataset(session.service.url, replace(size, messages=count), report.print_progress)
            for count in sizes
        ]
        for dataset in datasets:
            stack.enter_context(dataset)
            _ = dataset.many_boxes
        print(_growth_heading("messages in the account", sizes), flush=True)
        for name in IN_ONE_ACCOUNT:
            if not session.options.wants(name):
                continue
            growth = Growth("messages in the account", name)
            for count, dataset in zip(sizes, datasets, strict=True):
                call = CALLS[name](dataset, session.bare)
                growth.rows.append(session.options.plan.measure(session.service, call, 1))
                growth.sizes.append(count)
            growths.append(growth)
            print(_format_growth(growth), flush=True)
    return growths


def _by_accounts(session: Session, sizes: Sequence[int]) -> list[Growth]:
    """Measure each call with more and more accounts; the requests take turns with all of them."""
    growths = {name: Growth("accounts", name) for name in IN_MANY_ACCOUNTS if session.options.wants(name)}
    tenants: list[Tenant] = []
    with Dataset(session.service.url, Size.read(), report.print_progress) as dataset:
        for count in sizes:
            report.print_progress(f"creating accounts until there are {count}")
            tenants += in_parallel(lambda _: _new_tenant(dataset), range(count - len(tenants)))
            for name, growth in growths.items():
                call = IN_MANY_ACCOUNTS[name](tenants, session.bare)
                growth.rows.append(session.options.plan.measure(session.service, call, 1))
                growth.sizes.append(count)
        print(_growth_heading("accounts", sizes), *map(_format_growth, growths.values()), sep="\n", flush=True)
    return list(growths.values())


def _new_tenant(dataset: Dataset) -> Tenant:
    tenant = dataset.new_tenant()
    many_accounts.fill(tenant)
    _ = tenant.api  # signs in now, and not while calls are timed
    return tenant


def _sizes(name: str, default: str) -> list[int]:
    return sorted(int(text) for text in environment.text_list(name, default))


def _growth_heading(part: str, sizes: Sequence[int]) -> str:
    columns = "".join(f"{f'{size:,}':>22}" for size in sizes)
    return f"\n{f'p50 ms (bare) by {part}':<36}{columns}{'growth (bare)':>20}"


def _format_growth(growth: Growth) -> str:
    cells = "".join(
        f"{f'{report.format_number(row.api.p50)} ({report.format_number(row.bare.p50)})':>22}" for row in growth.rows
    )
    factors = f"{growth.factor('api'):.2f} ({growth.factor('bare'):.2f})"
    return f"{growth.call:<36}{cells}{factors:>20}  {growth.verdict}"


def _plot_points(growths: Sequence[Growth]) -> Mapping[str, Mapping[str, tuple[Any, Any]]]:
    parts: dict[str, dict[str, tuple[Any, Any]]] = {}
    for growth in growths:
        api = [(size, row.api.p50) for size, row in zip(growth.sizes, growth.rows, strict=True)]
        bare = [(size, row.bare.p50) for size, row in zip(growth.sizes, growth.rows, strict=True)]
        parts.setdefault(growth.part, {})[growth.call] = (api, bare)
    return parts
