"""``make bench-growth``: how the cost of calls grows with an account's messages, and with the number of accounts.

What grows with what it does not return is a fault, unless CouchDB itself takes that much longer: so the bare requests
are measured beside each, and judged is what the API adds to them.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks import crowd, plot, report
from benchmarks.calls import CALLS, IN_MANY_ACCOUNTS, IN_ONE_ACCOUNT
from benchmarks.data import OneAccount, Size, Tenant, World
from benchmarks.measuring import Row
from benchmarks.session import Session
from config import environment
from couch.parallel import in_parallel

# The API's p50 over the bare requests', at the largest size compared with the smallest.
_TOLERANCE = 1.5
# What takes this many times as long at the largest size, at most, doesn't grow.
_FLAT = 1.5


@dataclass
class Growth:
    """One call at several sizes."""

    part: str
    call: str
    sizes: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def factor(self, side: str) -> float:
        """How many times as long one side takes at the largest size as at the smallest."""
        first, last = (getattr(row, side).p50 for row in (self.rows[0], self.rows[-1]))
        return float(last / first)

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.factor("api") <= _FLAT:
            return "flat"
        if self.factor("api") <= self.factor("bare") * _TOLERANCE:
            return "grows as CouchDB does"
        return "GROWS"

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        measured = [{"size": size, **row.as_json()} for size, row in zip(self.sizes, self.rows, strict=True)]
        factors = {"api": self.factor("api"), "bare": self.factor("bare")}
        return {"part": self.part, "call": self.call, "growth": factors, "verdict": self.verdict, "sizes": measured}


def run(session: Session) -> None:
    """Measure, print, save."""
    print(report.about(session.about), flush=True)
    messages = _sizes("MESSAGE_COUNTS", "1000,10000,100000")
    accounts = _sizes("ACCOUNT_COUNTS", "10,100,1000")
    growths = [*_with_messages(session, messages), *_with_accounts(session, accounts)]
    file = session.options.file("growth")
    report.save(file.with_suffix(".json"), session.about, [each.as_json() for each in growths])
    plot.growth(file.with_suffix(".png"), session.about, _points(growths))
    print(f"Saved {file}.json and .png")


def _with_messages(session: Session, sizes: Sequence[int]) -> list[Growth]:
    """Accounts of several sizes side by side; each call is measured in one after the other."""
    growths: list[Growth] = []
    with ExitStack() as stack:
        size = Size.read()
        worlds = [OneAccount(session.service.url, replace(size, messages=each), report.aside) for each in sizes]
        for world in worlds:
            stack.enter_context(world)
            _ = world.office
        print(_heading("messages in the account", sizes), flush=True)
        for name in IN_ONE_ACCOUNT:
            if not session.options.wants(name):
                continue
            growth = Growth("messages in the account", name)
            for count, world in zip(sizes, worlds, strict=True):
                call = CALLS[name](world, session.bare)
                growth.rows.append(session.options.plan.measure(session.service, call, 1))
                growth.sizes.append(count)
            growths.append(growth)
            print(_line(growth), flush=True)
    return growths


def _with_accounts(session: Session, sizes: Sequence[int]) -> list[Growth]:
    """More and more accounts; the requests go round all of them."""
    found = {name: Growth("accounts", name) for name in IN_MANY_ACCOUNTS if session.options.wants(name)}
    tenants: list[Tenant] = []
    with World(session.service.url, Size.read(), report.aside) as world:
        for count in sizes:
            report.aside(f"making accounts until there are {count}")
            tenants += in_parallel(lambda _: _new_tenant(world), range(count - len(tenants)))
            for name, growth in found.items():
                call = IN_MANY_ACCOUNTS[name](tenants, session.bare)
                growth.rows.append(session.options.plan.measure(session.service, call, 1))
                growth.sizes.append(count)
        print(_heading("accounts", sizes), *map(_line, found.values()), sep="\n", flush=True)
    return list(found.values())


def _new_tenant(world: World) -> Tenant:
    tenant = world.new_tenant()
    crowd.fill(tenant)
    _ = tenant.api  # it signs in now, and not while others are timed
    return tenant


def _sizes(name: str, default: str) -> list[int]:
    return sorted(int(text) for text in environment.words(name, default))


def _heading(part: str, sizes: Sequence[int]) -> str:
    columns = "".join(f"{f'{size:,}':>22}" for size in sizes)
    return f"\n{f'p50 ms (bare) by {part}':<36}{columns}{'growth (bare)':>20}"


def _line(growth: Growth) -> str:
    cells = "".join(f"{f'{report.number(row.api.p50)} ({report.number(row.bare.p50)})':>22}" for row in growth.rows)
    factors = f"{growth.factor('api'):.2f} ({growth.factor('bare'):.2f})"
    return f"{growth.call:<36}{cells}{factors:>20}  {growth.verdict}"


def _points(growths: Sequence[Growth]) -> Mapping[str, Mapping[str, tuple[Any, Any]]]:
    parts: dict[str, dict[str, tuple[Any, Any]]] = {}
    for growth in growths:
        api = [(size, row.api.p50) for size, row in zip(growth.sizes, growth.rows, strict=True)]
        bare = [(size, row.bare.p50) for size, row in zip(growth.sizes, growth.rows, strict=True)]
        parts.setdefault(growth.part, {})[growth.call] = (api, bare)
    return parts
