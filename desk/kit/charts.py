"""Charts as SVG, drawn on the server: no script, no foreign place, the admin's own colours, dark ones included."""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WIDTH, _HEIGHT, _FOOT = 720, 160, 18


def bars(values: Sequence[tuple[str, int]], title: str) -> SafeString:
    """A bar for each value, named by its label; what the bars say is in the page as a table, too.

    The first, middle and last labels stand below, and the largest value above.
    """
    largest = max((value for _, value in values), default=0) or 1
    step = _WIDTH / max(len(values), 1)
    drawn = format_html_join(
        "",
        '<rect x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        (
            (
                f"{index * step + 1:.1f}",
                f"{_FOOT + _HEIGHT * (1 - value / largest):.1f}",
                f"{max(step - 2, 1):.1f}",
                f"{_HEIGHT * value / largest:.1f}",
                label,
                value,
            )
            for index, (label, value) in enumerate(values)
        ),
    )
    places = [(0, "start"), (len(values) // 2, "middle"), (len(values) - 1, "end")] if values else []
    labels = format_html_join(
        "",
        '<text x="{}" y="{}" text-anchor="{}">{}</text>',
        (
            (f"{(index + (0, 0.5, 1)[number]) * step:.1f}", _HEIGHT + 2 * _FOOT - 4, anchor, values[index][0])
            for number, (index, anchor) in enumerate(places)
        ),
    )
    return format_html(
        '<svg class="chart" role="img" aria-label="{}" viewBox="0 0 {} {}"><text x="0" y="{}">{}</text>{}{}</svg>',
        title,
        _WIDTH,
        _HEIGHT + 2 * _FOOT,
        _FOOT - 6,
        largest if values else "",
        drawn,
        labels,
    )
