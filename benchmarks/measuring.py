"""Measure a call: slices of the API and of the bare CouchDB requests take turns, so that noise hits both."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.client import Address, Operation, Sample, run_operations
from benchmarks.servers import Service

_MB = 1_000_000


@dataclass(frozen=True)
class Side:
    """The API's or CouchDB's side of a call: the server's address, and the operation of each connection."""

    address: Address
    operation: Callable[[int], Operation]
    """Returns the operation of a connection; connections are numbered from 0."""


@dataclass(frozen=True)
class Target:
    """A figure that a call must reach at a concurrency."""

    figure: str
    limit: float
    concurrency: int | None = None
    """None: at every concurrency."""
    at_most: bool = False
    """Whether the limit is an upper one."""

    def met(self, row: "Row") -> bool | None:
        """Whether a row meets the target; None if the target is for another concurrency."""
        if self.concurrency not in (None, row.concurrency):
            return None
        value = row.figure(self.figure)
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{self.figure} {'≤' if self.at_most else '≥'} {self.limit:g}"


@dataclass(frozen=True)
class Call:
    """A call of the API, and the CouchDB requests that it needs at least."""

    name: str
    api: Side
    bare: Side
    targets: tuple[Target, ...] = ()
    heavy: bool = False
    """Whether one operation takes so long that few are enough: no warm-up, half the rounds."""


@dataclass
class Figures:
    """The figures of one side. All latencies are in milliseconds."""

    operations: int
    seconds: float
    per_second: float
    megabytes_per_second: float
    p50: float
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
    """The measurements of a call at a concurrency."""

    call: str
    concurrency: int
    api: Figures
    bare: Figures
    cpu: float
    """Milliseconds of the workers' CPU per operation."""
    rss: float
    """Memory of the largest worker at the end, in megabytes."""
    growth: float
    """Largest growth of a worker's memory, from before the call to its peak, in megabytes."""
    targets: dict[str, bool] = field(default_factory=dict)

    def figure(self, name: str) -> float:
        """The figure that a target names."""
        figures = {
            "throughput": self.api.per_second / self.bare.per_second,
            "speed": self.bare.p50 / self.api.p50,
            "p50": self.api.p50 / self.bare.p50,
            "memory MB": self.growth,
            "first byte": self.api.first_byte_p50 / self.api.p50,
        }
        return figures[name]

    def as_json(self) -> dict[str, Any]:
        """The report's entry, with the ratios."""
        ratios = {"throughput": self.figure("throughput"), "p50": self.figure("p50")}
        return {**asdict(self), "ratio": ratios}


@dataclass(frozen=True)
class Plan:
    """How long and in how many rounds to measure."""

    seconds: float = 1.5
    """Time for each side of a call, over all rounds."""
    rounds: int = 3

    def measure(self, service: Service, call: Call, concurrency: int) -> Row:
        """Measure a call at a concurrency. The sides take turns, also in which of them is first."""
        api = [call.api.operation(connection) for connection in range(concurrency)]
        bare = [call.bare.operation(connection) for connection in range(concurrency)]
        before = service.usage()
        service.reset_peaks()
        if not call.heavy:
            self._warm_up(call, api, bare)
        samples = (Sample(), Sample())
        cpu = 0.0
        rounds = max(2, self.rounds // 2) if call.heavy else self.rounds
        for turn in range(rounds):
            for index in (0, 1) if turn % 2 else (1, 0):
                side, operations = ((call.api, api), (call.bare, bare))[index]
                cpu_before = service.usage().cpu
                samples[index].add(run_operations(side.address, operations, self.seconds / rounds))
                if index == 0:
                    cpu += service.usage().cpu - cpu_before
        after = service.usage()
        row = Row(
            call=call.name,
            concurrency=concurrency,
            api=Figures.of(samples[0]),
            bare=Figures.of(samples[1]),
            cpu=cpu / len(samples[0].latencies) * 1000,
            rss=max(after.rss) / _MB,
            growth=max(peak - rss for peak, rss in zip(after.peak, before.rss, strict=False)) / _MB,
        )
        results = ((str(target), target.met(row)) for target in call.targets)
        row.targets = {name: met for name, met in results if met is not None}
        return row

    def _warm_up(self, call: Call, api: Sequence[Operation], bare: Sequence[Operation]) -> None:
        run_operations(call.bare.address, bare, self.seconds / 10)
        run_operations(call.api.address, api, self.seconds / 10, at_least=3)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]
