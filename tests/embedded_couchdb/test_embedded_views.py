"""Views: incremental, in order, reduced as arithmetic says, and safe from their own functions."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import pytest

from tests.support.embedded_server import Database, Server

BOXES = [f"box{number}" for number in range(7)]
FOLDERS = ["deleted", "new", "saved"]
DOCUMENTS: list[dict[str, Any]] = [
    {
        "_id": f"m{n:05}",
        "box": BOXES[n % 7],
        "folder": FOLDERS[n % 3],
        "time": n * 37 % 1009,
        "length": n % 91 / 4,
    }
    for n in range(1500)
]
MAP = "function(doc){ emit([doc.box, doc.folder, doc.time], doc.length); }"
CUSTOM = """function(keys, values, rereduce){
  var result = {count: 0, sum: 0, longest: 0, partial: rereduce ? values.length : 0};
  values.forEach(function(value){
    if(!rereduce) value = {count: 1, sum: value, longest: value};
    result.count += value.count; result.sum += value.sum;
    result.longest = Math.max(result.longest, value.longest);
  });
  return result;
}"""


@pytest.fixture(scope="module")
def messages(embedded: Server) -> Database:
    """A database of messages with a view for each way to reduce them."""
    database = embedded.new_database()
    database.bulk(DOCUMENTS)
    reductions = {"count": "_count", "sum": "_sum", "stats": "_stats", "custom": CUSTOM}
    database.design("by", **{name: (MAP, reduction) for name, reduction in reductions.items()})
    return database


def expected_groups(level: int) -> list[tuple[list[Any] | None, list[float]]]:
    rows = sorted(([d["box"], d["folder"], d["time"]], d["_id"], d["length"]) for d in DOCUMENTS)
    grouped = groupby(rows, key=lambda row: row[0][:level])
    return [(key if level else None, [row[2] for row in group]) for key, group in grouped]


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("descending", [False, True])
def test_reductions_are_what_arithmetic_says_for_every_group(
    messages: Database, level: int, descending: bool
) -> None:
    groups = expected_groups(level)
    if descending:
        groups.reverse()

    answers = {
        name: messages.get(f"_design/by/_view/{name}", group_level=level, descending=descending)["rows"]
        for name in ("count", "sum", "stats", "custom")
    }

    assert answers["count"] == [{"key": key, "value": len(values)} for key, values in groups]
    for rows in answers.values():
        assert [row["key"] for row in rows] == [key for key, _ in groups]
    for position, (_, values) in enumerate(groups):
        stats, custom = answers["stats"][position]["value"], answers["custom"][position]["value"]
        assert math.isclose(answers["sum"][position]["value"], sum(values))
        assert (stats["min"], stats["max"], stats["count"]) == (min(values), max(values), len(values))
        assert math.isclose(stats["sumsqr"], sum(value * value for value in values))
        assert math.isclose(custom["sum"], sum(values))
        assert (custom["count"], custom["longest"]) == (len(values), max(values))
        assert custom["partial"] == math.ceil(len(values) / 100)


def test_a_page_of_groups_is_cut_from_the_groups_not_from_the_rows(messages: Database) -> None:
    groups = expected_groups(2)

    rows = messages.get("_design/by/_view/count", group_level=2, skip=5, limit=4)["rows"]

    assert rows == [{"key": key, "value": len(values)} for key, values in groups[5:9]]


def test_a_group_level_beyond_the_key_groups_by_the_whole_key(messages: Database) -> None:
    by_level = messages.get("_design/by/_view/sum", group_level=50)

    assert by_level == messages.get("_design/by/_view/sum", group=True)


def test_a_range_is_cut_out_of_the_order(messages: Database) -> None:
    rows = messages.get("_design/by/_view/count", reduce=False, startkey=["box2", "new"], endkey=["box2", "new", {}])[
        "rows"
    ]

    assert {row["id"] for row in rows} == {d["_id"] for d in DOCUMENTS if (d["box"], d["folder"]) == ("box2", "new")}
    assert [row["key"][2] for row in rows] == sorted(row["key"][2] for row in rows)


def test_a_write_maps_one_document_again(database: Database, embedded: Server) -> None:
    def mapped() -> int:
        return embedded.log.read_text().count(f"mapped {database.name}")

    source = f"function(doc){{ log('mapped {database.name}'); emit(doc.n, null); }}"
    database.bulk([{"_id": f"d{n}", "n": n} for n in range(1000)])
    database.design("d", v=source)
    assert database.get("_design/d/_view/v", limit=0)["total_rows"] == 1000
    assert mapped() == 1000

    document = database.get("d7")
    database.put("d7", {**document, "n": 5000})

    assert database.get("_design/d/_view/v", limit=1, descending=True)["rows"][0]["id"] == "d7"
    assert database.get("_design/d/_view/v", key=7)["rows"] == []
    assert mapped() == 1001


def test_two_views_of_one_function_share_the_work(database: Database, embedded: Server) -> None:
    source = f"function(doc){{ log('shared {database.name}'); emit(doc.n, 1); }}"
    database.put("one", {"n": 1})
    database.design("d", rows=source, count=(source, "_count"))

    assert database.get("_design/d/_view/count")["rows"][0]["value"] == 1
    assert database.get("_design/d/_view/rows")["total_rows"] == 1

    assert embedded.log.read_text().count(f"shared {database.name}") == 1


def test_a_changed_design_document_gets_a_new_index_and_the_old_one_goes(database: Database) -> None:
    database.bulk([{"n": n} for n in range(50)])
    database.design("d", v="function(doc){ emit(doc.n, 'a long value that takes its room'); }")
    database.get("_design/d/_view/v")
    before = database.get("_design/d/_info")["view_index"]
    rev = database.get("_design/d")["_rev"]

    database.put("_design/d", {"_rev": rev, "views": {"v": {"map": "function(doc){ emit(-doc.n, 0); }"}}})

    unbuilt = database.get("_design/d/_info")["view_index"]
    assert unbuilt["signature"] != before["signature"]
    assert (unbuilt["sizes"]["active"], unbuilt["update_seq"]) == (0, 0)
    assert [row["key"] for row in database.get("_design/d/_view/v", limit=2)["rows"]] == [-49, -48]


def test_a_view_that_must_not_be_updated_answers_from_what_it_has(database: Database) -> None:
    database.design("d", v="function(doc){ emit(doc._id, null); }")
    database.put("one", {})
    assert database.get("_design/d/_view/v")["total_rows"] == 1
    database.put("two", {})

    stale = database.client.get(f"{database.url}/_design/d/_view/v?update=false").json()

    assert stale["total_rows"] == 1
    assert database.get("_design/d/_view/v")["total_rows"] == 2


def test_a_function_that_never_ends_is_stopped_and_the_server_lives_on(database: Database) -> None:
    database.put("one", {"n": 1})
    database.design("mad", v="function(doc){ while(true){} }")
    database.design("sane", v="function(doc){ emit(doc.n, null); }")

    runaway = database.client.get(f"{database.url}/_design/mad/_view/v")

    assert runaway.status_code == 500
    assert runaway.json()["error"] == "os_process_error"
    assert database.get("_design/sane/_view/v")["total_rows"] == 1


@pytest.mark.parametrize(
    "greedy",
    [
        "var all = []; while(true) all.push(new Array(100000).fill(1.5));",
        "new Array(300000000).fill(7.5);",
    ],
)
def test_a_function_that_eats_memory_is_stopped_and_the_server_lives_on(database: Database, greedy: str) -> None:
    database.put("one", {"n": 1})
    database.design("greedy", v=f"function(doc){{ {greedy} }}")
    database.design("sane", v="function(doc){ emit(doc.n, null); }")

    runaway = database.client.get(f"{database.url}/_design/greedy/_view/v")

    assert runaway.status_code == 500
    assert database.get("_design/sane/_view/v")["total_rows"] == 1


def test_a_function_cannot_change_the_language_for_others(database: Database) -> None:
    database.put("one", {"n": [3, 1, 2]})
    database.design("rude", v="function(doc){ Array.prototype.map = null; JSON.stringify = null; }")
    database.design("sane", v="function(doc){ emit(doc.n.map(function(x){ return -x; }), null); }")
    database.get("_design/rude/_view/v")

    assert database.get("_design/sane/_view/v")["rows"][0]["key"] == [-3, -1, -2]


def test_one_view_does_not_see_what_another_did_to_the_document(database: Database) -> None:
    database.put("one", {"n": 1})
    database.design(
        "d",
        a="function(doc){ doc.n = 99; emit(doc.n, null); }",
        b="function(doc){ emit(doc.n, null); }",
    )

    assert database.get("_design/d/_view/a")["rows"][0]["key"] == 99
    assert database.get("_design/d/_view/b")["rows"][0]["key"] == 1


def test_strings_that_collate_as_equal_are_rows_of_their_own_in_order_of_id(database: Database) -> None:
    composed, combining = "caf\u00e9", "cafe\u0301"
    database.bulk([{"_id": "1", "k": combining}, {"_id": "2", "k": composed}, {"_id": "3", "k": combining}])
    database.design("d", v="function(doc){ emit(doc.k, null); }")

    rows = database.get("_design/d/_view/v", key=composed)["rows"]

    assert [(row["id"], row["key"]) for row in rows] == [("1", combining), ("2", composed), ("3", combining)]


def test_numbers_keep_their_order_from_the_smallest_to_the_largest(database: Database) -> None:
    numbers = [-1e300, -(2**53), -1.5, -1, 0, 1e-300, 0.1, 1, 2, 2.5, 10, 2**53, 1e300]
    database.bulk([{"_id": f"{n:02}", "k": number} for n, number in enumerate(reversed(numbers))])
    database.design("d", v="function(doc){ emit(doc.k, null); }")

    assert [row["key"] for row in database.get("_design/d/_view/v")["rows"]] == numbers
    assert database.get("_design/d/_view/v", key=-0.0)["rows"][0]["key"] == 0


def test_half_a_surrogate_pair_from_a_function_does_no_harm(database: Database) -> None:
    database.put("one", {"s": "\U0001f600"})
    database.design("d", v="function(doc){ emit(doc.s[0], [doc.s[1], '\\\\ud800']); }")

    row = database.get("_design/d/_view/v")["rows"][0]

    assert row == {"id": "one", "key": "\ufffd", "value": ["\ufffd", "\\ud800"]}


def test_a_library_in_the_design_document_can_be_required(database: Database) -> None:
    database.put("one", {"n": 4})
    lib = {
        "square": "exports.of = function(n){ return n * n; };",
        "cube": "var square = require('./square'); exports.of = function(n){ return n * square.of(n); };",
    }
    source = "function(doc){ emit(require('views/lib/cube').of(doc.n), null); }"
    database.put("_design/d", {"views": {"lib": lib, "v": {"map": source}}})

    assert database.get("_design/d/_view/v")["rows"][0]["key"] == 64


def test_built_in_reductions_take_lists_and_objects(database: Database) -> None:
    database.bulk([{"_id": str(n), "l": [n, 1], "o": {"n": n, f"k{n % 2}": 1}} for n in range(1, 5)])
    database.design(
        "d",
        lists=("function(doc){ emit(null, doc.l); }", "_sum"),
        objects=("function(doc){ emit(null, doc.o); }", "_sum"),
        stats=("function(doc){ emit(null, doc.l); }", "_stats"),
        strings=("function(doc){ emit(null, 'x'); }", "_sum"),
        ranked=("function(doc){ emit(null, doc.l[0]); }", "_top_2"),
        distinct=("function(doc){ emit(doc.l[0] % 3, null); }", "_approx_count_distinct"),
    )

    def value(view: str) -> Any:
        return database.get(f"_design/d/_view/{view}")["rows"][0]["value"]

    assert value("lists") == [10, 4]
    assert value("objects") == {"n": 10, "k0": 2, "k1": 2}
    assert [column["sum"] for column in value("stats")] == [10, 4]
    assert value("strings")["error"] == "builtin_reduce_error"
    assert value("distinct") == 3
    assert value("ranked") == [4, 3]


def test_one_key_needs_no_grouping_but_several_do(messages: Database) -> None:
    key = [DOCUMENTS[0]["box"], DOCUMENTS[0]["folder"], DOCUMENTS[0]["time"]]
    url = f"{messages.url}/_design/by/_view/count"

    one = messages.client.post(url, json={"keys": [key]})
    several = messages.client.post(url, json={"keys": [key, key]})

    assert one.json()["rows"][0]["key"] is None
    assert several.json()["error"] == "query_parse_error"


def test_noncharacters_stand_before_and_after_everything_else(database: Database) -> None:
    keys = ["", "\ufffe", "\t", "\U0001f600", "a", "a\ufffe", "ab", "a\uffff", "b", "\u4e00", "\uffff"]
    database.bulk([{"_id": f"{n}", "k": key} for n, key in enumerate(reversed(keys))])
    database.design("d", v="function(doc){ emit(doc.k, null); }")

    assert [row["key"] for row in database.get("_design/d/_view/v")["rows"]] == keys
