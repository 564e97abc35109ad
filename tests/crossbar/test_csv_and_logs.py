"""Listings as CSV, and logs without secrets."""

import csv
import io
import json
import logging

import pytest

from crossbar.csv_renderer import CsvRenderer, format_cell
from crossbar.logs import JsonFormatter
from crossbar.redaction import redact


def read(rendered: bytes) -> list[list[str]]:
    """The rows of a CSV, which begins with a UTF-8 mark."""
    assert rendered.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(rendered.decode("utf-8-sig"))))


def test_columns_are_the_keys_of_all_entries_joined_by_dots() -> None:
    data = [{"a": 1, "b": {"c": "x"}}, {"a": None, "d": [1, 2]}]
    assert read(CsvRenderer().render(data)) == [["a", "b.c", "d"], ["1", "x", ""], ["", "", "[1,2]"]]


FORMULAS = ["=1+1", "@x", "-a", "+a", "=", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1", "\u200b\u200d@x"]
FULL_WIDTH = ["\uff1d1+1", "\uff0ba", "\uff0da", "\uff20x", "\ufe62a", "\ufe63a", "\ufe66a", "\ufe6bx", "\u2212a"]
BLANK = ["\u3164=1", "\u2800=1", "\u034f=1", "\ufe0f=1", "\u202e=1", "\u00ad\uff1d1", "\x00=1", "\x1b=1", "\u2028=1"]


@pytest.mark.parametrize("value", [*FORMULAS, *FULL_WIDTH, *BLANK], ids=ascii)
def test_no_cell_is_taken_for_a_formula(value: str) -> None:
    assert format_cell(value) == f"'{value}"


TELEPHONE_NUMBERS = ["+4930123", "+1 202 555 0178", "0301234", "007", "2025550178", "00", "-0301234", "555-0178"]
NUMERALS = ["123456789012345678", "1e5", "1-2", "1/2", "2016-05-09", "1.10", "(123)", "50%", " 1001"]


@pytest.mark.parametrize("value", [*TELEPHONE_NUMBERS, *NUMERALS])
def test_texts_that_look_like_numbers_stay_texts(value: str) -> None:
    assert format_cell(value) == f"'{value}"


@pytest.mark.parametrize(
    "value", ["1001", "3000", "0", "-5", "Ada", "", "a=b", "1001@example.com", "-", "12e", "\u5bff"]
)
def test_what_no_spreadsheet_alters_is_left_alone(value: str) -> None:
    assert format_cell(value) == ("'-" if value == "-" else value)


def test_numbers_stay_numbers() -> None:
    assert [format_cell(value) for value in (63_630_058_722, -5, 1.5, 0, True, None)] == [
        *("63630058722", "-5", "1.5", "0", "true", "")
    ]


def test_no_column_is_taken_for_a_formula() -> None:
    rendered = CsvRenderer().render([{"=1+1": 2, "b": "a,b\n"}])
    assert read(rendered) == [["'=1+1", "b"], ["2", "a,b\n"]]


@pytest.mark.parametrize(
    "text",
    [
        "GET /v2/accounts/x/vmboxes?auth_token=SECRETSECRET&a=b HTTP/1.1",
        '{"pin": "SECRETSECRET", "name": "x"}',
        '{"data": {"reset_id": "SECRETSECRET"}}',
        "X-Auth-Token: SECRETSECRET",
        "Authorization: Bearer SECRETSECRET",
        "http://admin:SECRETSECRET@127.0.0.1:5984/db",
    ],
)
def test_secrets_are_removed_from_logs(text: str) -> None:
    assert "SECRETSECRET" not in redact(text)


def test_a_log_line_is_a_json_object() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "two\nlines %s", ("auth_token=SECRET",), None)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "SECRET" not in line
    assert json.loads(line)["message"].startswith("two\nlines")
