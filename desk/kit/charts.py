"""Bar charts as SVG, drawn on the server: they need no script, and follow the admin's light and dark colours."""

from collections.abc import Callable, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WIDTH, _HEIGHT, _LABEL_HEIGHT = 720, 160, 18


def bar_chart(values: Sequence[tuple[str, int]], title: str, describe: Callable[[int], str] = str) -> SafeString:
    """A chart with one bar per value, each named by its label. The page has to show the values as a table, too.

    `describe` says what a value is in words. The first, the middle and the last label stand below the bars, and the
    largest value above them.
    """
    largest = max((value for _, value in values), default=0) or 1
    return format_html(
        '<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}"><text x="0" y="{}">{}</text>{}{}</svg>',
        title,
        _WIDTH,
        _HEIGHT + 2 * _LABEL_HEIGHT,
        _LABEL_HEIGHT - 6,
        describe(largest) if values else "",
        _bars(values, largest, describe),
        _labels(values),
    )


def _bars(values: Sequence[tuple[str, int]], largest: int, describe: Callable[[int], str]) -> SafeString:
    step = _bar_step(values)
    return format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        (
            (
                f"{index * step + 1:.1f}",
                f"{_LABEL_HEIGHT + _HEIGHT * (1 - value / largest):.1f}",
                f"{max(step - 2, 1):.1f}",
                f"{_HEIGHT * value / largest:.1f}",
                label,
                describe(value),
            )
            for index, (label, value) in enumerate(values)
        ),
    )


def _labels(values: Sequence[tuple[str, int]]) -> SafeString:
    if not values:
        return SafeString()
    step = _bar_step(values)
    middle, last = len(values) // 2, len(values) - 1
    positions = [(0, 0.0, "start"), (middle, (middle + 0.5) * step, "middle"), (last, (last + 1) * step, "end")]
    return format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="{}">{}</text>',
        ((f"{x:.1f}", _HEIGHT + 2 * _LABEL_HEIGHT - 4, anchor, values[index][0]) for index, x, anchor in positions),
    )


def _bar_step(values: Sequence[tuple[str, int]]) -> float:
    """The width of a bar and of the gap after it."""
    return _WIDTH / max(len(values), 1)
