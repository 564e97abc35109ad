"""Listings as CSV, and logs without secrets."""

import csv
import io
import json
import logging

import pytest

from crossbar.csv_renderer import CsvRenderer
from crossbar.logs import JsonFormatter, redact


def test_columns_are_the_keys_of_all_entries_joined_by_dots() -> None:
    data = [{"a": 1, "b": {"c": "x"}}, {"a": None, "d": [1, 2]}]
    rows = list(csv.DictReader(io.StringIO(CsvRenderer().render(data).decode())))
    assert rows == [{"a": "1", "b.c": "x", "d": ""}, {"a": "", "b.c": "", "d": "[1,2]"}]


@pytest.mark.parametrize(
    ("value", "cell"), [("=1+1", "'=1+1"), ("@x", "'@x"), ("-5", "-5"), ("+4930", "+4930"), ("-a", "'-a")]
)
def test_no_cell_is_taken_for_a_formula(value: str, cell: str) -> None:
    rendered = CsvRenderer().render([{"a": value}]).decode()
    assert list(csv.reader(io.StringIO(rendered)))[1] == [cell]


def test_no_column_is_taken_for_a_formula() -> None:
    rendered = CsvRenderer().render([{"=1+1": 2, "b": "a,b\n"}]).decode()
    assert list(csv.reader(io.StringIO(rendered))) == [["'=1+1", "b"], ["2", "a,b\n"]]


@pytest.mark.parametrize(
    "text",
    [
        "GET /v2/accounts/x/vmboxes?auth_token=SECRETSECRET&a=b HTTP/1.1",
        '{"pin": "SECRETSECRET", "name": "x"}',
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
