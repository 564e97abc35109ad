"""Measuring a call: slices of the API and of the bare CouchDB requests in turn, so that noise hits both."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.client import Address, Operation, Sample, run
from benchmarks.servers import Service

_MB = 1_000_000


@dataclass(frozen=True)
class Side:
    """One of the two ways to have something done: where, and what to do in each lane."""

    address: Address
    operation: Callable[[int], Operation]
    """The operation of a lane, which is numbered from 0."""


@dataclass(frozen=True)
class Target:
    """What is asked of a call: which figure, at which concurrency, and what it must reach."""

    figure: str
    limit: float
    concurrency: int | None = None
    """None: whatever the concurrency."""
    at_most: bool = False

    def met(self, row: "Row") -> bool | None:
        """Whether a row meets it; None when it isn't about this row."""
        if self.concurrency not in (None, row.concurrency):
            return None
        value = row.figure(self.figure)
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{self.figure} {'≤' if self.at_most else '≥'} {self.limit:g}"


@dataclass(frozen=True)
class Call:
    """A call of the API, and the bare requests that it can't do without."""

    name: str
    api: Side
    bare: Side
    targets: tuple[Target, ...] = ()
    heavy: bool = False
    """Whether it takes so long that few of it are enough."""


@dataclass
class Figures:
    """What one side did."""

    operations: int
    seconds: float
    per_second: float
    megabytes_per_second: float
    p50: float
    """Milliseconds, as all latencies here."""
    p99: float
    first_byte_p50: float

    @classmethod
    def of(cls, sample: Sample) -> "Figures":
        """The figures of a sample."""
        return cls(
            operations=len(sample.latencies),
            seconds=round(sample.seconds, 3),
            per_second=len(sample.latencies) / sample.seconds,
            megabytes_per_second=sample.received / sample.seconds / _MB,
            p50=percentile(sample.latencies, 50) * 1000,
            p99=percentile(sample.latencies, 99) * 1000,
            first_byte_p50=percentile(sample.first_bytes, 50) * 1000,
        )


@dataclass
class Row:
    """A call at a concurrency, measured."""

    call: str
    concurrency: int
    api: Figures
    bare: Figures
    cpu: float
    """Milliseconds of the workers' CPU per operation."""
    rss: float
    """Megabytes of the largest worker, at the end."""
    growth: float
    """Megabytes that a worker had more at its peak than before the call, at most."""
    targets: dict[str, bool] = field(default_factory=dict)

    def figure(self, name: str) -> float:
        """A figure that targets name."""
        figures = {
            "throughput": self.api.per_second / self.bare.per_second,
            "speed": self.bare.p50 / self.api.p50,
            "p50": self.api.p50 / self.bare.p50,
            "memory MB": self.growth,
            "first byte": self.api.first_byte_p50 / self.api.p50,
        }
        return figures[name]

    def as_json(self) -> dict[str, Any]:
        """All of it, and the ratios."""
        ratios = {"throughput": self.figure("throughput"), "p50": self.figure("p50")}
        return {**asdict(self), "ratio": ratios}


@dataclass(frozen=True)
class Plan:
    """How long to measure."""

    seconds: float = 1.5
    """For each side of a call, in all."""
    rounds: int = 3

    def measure(self, service: Service, call: Call, concurrency: int) -> Row:
        """A row; the two sides take turns, and in who begins."""
        api = [call.api.operation(lane) for lane in range(concurrency)]
        bare = [call.bare.operation(lane) for lane in range(concurrency)]
        before = service.usage()
        service.forget_peaks()
        if not call.heavy:
            self._warm_up(call, api, bare)
        sides = (Sample(), Sample())
        cpu = 0.0
        rounds = max(2, self.rounds // 2) if call.heavy else self.rounds
        for turn in range(rounds):
            for which in (0, 1) if turn % 2 else (1, 0):
                side, operations = ((call.api, api), (call.bare, bare))[which]
                cpu_before = service.usage().cpu
                sides[which].add(run(side.address, operations, self.seconds / rounds))
                if which == 0:
                    cpu += service.usage().cpu - cpu_before
        after = service.usage()
        row = Row(
            call=call.name,
            concurrency=concurrency,
            api=Figures.of(sides[0]),
            bare=Figures.of(sides[1]),
            cpu=cpu / len(sides[0].latencies) * 1000,
            rss=max(after.rss) / _MB,
            growth=max(peak - rss for peak, rss in zip(after.peak, before.rss, strict=False)) / _MB,
        )
        told = ((str(target), target.met(row)) for target in call.targets)
        row.targets = {name: met for name, met in told if met is not None}
        return row

    def _warm_up(self, call: Call, api: Sequence[Operation], bare: Sequence[Operation]) -> None:
        run(call.bare.address, bare, self.seconds / 10)
        run(call.api.address, api, self.seconds / 10, at_least=3)


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent of them don't exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]
