"""Plots of the measurements."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.measuring import Figures, Row

mpl.use("Agg")
_API, _BARE, _MISSED = "#1f6fb4", "#9a9a9a", "#c8402e"
_Points = Sequence[tuple[float, float]]


def save_comparison(file: Path, about: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Plot throughput ratios, latencies and the workers' CPU and memory, with a line for each row of the table."""
    figure = Figure(figsize=(15, 1.6 + 0.27 * len(rows)), layout="constrained")
    ratio, latency, cost = figure.subplots(1, 3, sharey=True, width_ratios=(2, 3, 2))
    lines = list(range(len(rows)))
    colors = [_API if all(row.targets.values()) else _MISSED for row in rows]
    ratio.barh(lines, [row.figure("throughput") for row in rows], color=colors)
    ratio.axvline(1, color="black", linewidth=0.8)
    ratio.set_title("throughput, API : bare requests\n(red: a target is missed)", fontsize=10)
    ratio.set_yticks(lines, [f"{row.call}, {row.concurrency}" for row in rows], fontsize=8)
    ratio.invert_yaxis()
    for offset, color, name in ((-0.18, _API, "api"), (0.18, _BARE, "bare")):
        figures: list[Figures] = [getattr(row, name) for row in rows]
        heights = [line + offset for line in lines]
        label = {"api": "API", "bare": "bare"}[name]
        p50, p99 = [side.p50 for side in figures], [side.p99 for side in figures]
        latency.hlines(heights, p50, p99, colors=color)
        latency.plot(p50, heights, "o", color=color, markersize=4, label=f"{label}, p50")
        latency.plot(p99, heights, "|", color=color, label=f"{label}, p99")
    latency.set_xscale("log")
    latency.set_title("latency in ms", fontsize=10)
    latency.legend(fontsize=7)
    bars = (
        (-0.18, _API, "CPU ms per operation", [row.cpu for row in rows]),
        (0.18, _BARE, "MB more at peak", [max(row.growth, 0) for row in rows]),
    )
    for offset, color, label, values in bars:
        cost.barh([line + offset for line in lines], values, 0.34, color=color, label=label)
    cost.set_xscale("symlog", linthresh=10)
    cost.set_title("CPU and memory of the workers", fontsize=10)
    cost.legend(fontsize=7)
    for axes in (ratio, latency, cost):
        axes.grid(axis="x", alpha=0.3)
    figure.suptitle(_title(about), fontsize=10)
    figure.savefig(file, dpi=110)


def save_growth(
    file: Path, about: Mapping[str, Any], parts: Mapping[str, Mapping[str, tuple[_Points, _Points]]]
) -> None:
    """Plot latency over size, one chart per part: solid lines for the API, dashed ones for the bare requests."""
    figure = Figure(figsize=(7 * len(parts), 6), layout="constrained")
    for axes, (name, calls) in zip(figure.subplots(1, len(parts), squeeze=False)[0], parts.items(), strict=True):
        for number, (call, (api, bare)) in enumerate(calls.items()):
            color = f"C{number % 10}"
            axes.plot(*zip(*api, strict=True), "o-", color=color, label=call)
            axes.plot(*zip(*bare, strict=True), ".--", color=color, alpha=0.6)
        axes.set(xscale="log", yscale="log", xlabel=name, ylabel="p50 in ms (dashed: the bare requests)")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.suptitle(_title(about), fontsize=10)
    figure.savefig(file, dpi=110)


def _title(about: Mapping[str, Any]) -> str:
    return (
        f"vmboxes, {about['time']}, {about['workers']} workers on {about['cores']} cores, CouchDB: {about['couchdb']}"
    )
