"""Which of several forms a client wants."""

import pytest

from crossbar.negotiation import quality


@pytest.mark.parametrize(
    ("accept", "json", "csv"),
    [
        ("*/*", 1, 1),
        ("text/csv", 0, 1),
        ("TEXT/CSV; charset=utf-8", 0, 1),
        ("text/*", 0, 1),
        ("text/html, application/xhtml+xml, */*;q=0.8", 0.8, 0.8),
        ("application/json;q=0.5, text/csv", 0.5, 1),
        ("text/csv;q=0, */*", 1, 0),
        ("image/png", 0, 0),
        ("nonsense;;;q=q, ,", 0, 0),
        ("text/csv; q=much", 0, 1),
    ],
)
def test_the_most_specific_range_decides_about_a_media_type(accept: str, json: float, csv: float) -> None:
    assert (quality(accept, "application/json"), quality(accept, "text/csv")) == (json, csv)
