"""What the doctor makes of CouchDB's figures: limits, sizes, clocks and versions."""

from datetime import UTC, datetime, timedelta
from typing import Any

from doctor.checks import clock, couchdb, couchdb_limits, storage_use
from doctor.findings import Severity

NODE = "couchdb@node1.example.com"
GIB = 1024**3
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def test_clocks_that_differ_are_told() -> None:
    def differences(seconds: int) -> list[tuple[str, str]]:
        findings = clock.compare_clocks(NOON, NOON + timedelta(seconds=1), NOON + timedelta(seconds=seconds))
        return [(finding.severity, finding.problem) for finding in findings]

    assert differences(0) == differences(2) == differences(-3) == []
    assert differences(10) == [(Severity.WARNING, "This machine's clock is 9 seconds behind CouchDB's.")]
    assert differences(-11) == [(Severity.WARNING, "This machine's clock is 10 seconds ahead of CouchDB's.")]
    ((severity, _),) = differences(3600)
    assert severity is Severity.ERROR


def test_few_open_databases_are_told_where_there_are_many() -> None:
    def is_told(config: dict[str, object], databases: int) -> bool:
        return bool(list(couchdb_limits.find_open_database_limit(NODE, config, databases)))

    assert is_told({"couchdb": {"max_dbs_open": "500"}}, 300)
    assert is_told({"couchdb": {}}, 300)
    assert not is_told({"couchdb": {"max_dbs_open": "500"}}, 200)
    assert not is_told({"couchdb": {"max_dbs_open": "5000"}}, 100_000)
    assert not is_told({}, 100_000)
    assert is_told({"couchdb": {"max_dbs_open": None}, "cluster": 7}, 300)


def test_a_node_that_refuses_what_the_service_takes_is_told() -> None:
    config = {"couchdb": {"max_attachment_size": "1000000"}, "chttpd": {"max_http_request_size": "4294967296"}}
    (finding,) = couchdb_limits.find_small_upload_limits(NODE, config)
    assert "[couchdb] max_attachment_size" in finding.problem
    assert not list(couchdb_limits.find_small_upload_limits(NODE, {"couchdb": {"max_attachment_size": "infinity"}}))


def test_writes_that_may_be_lost_are_told() -> None:
    assert list(couchdb_limits.find_lost_writes(NODE, {"couchdb": {"delayed_commits": "true"}}))
    assert not list(couchdb_limits.find_lost_writes(NODE, {"couchdb": {"delayed_commits": "false"}}))


def test_a_node_near_its_limits_is_told() -> None:
    assert list(couchdb_limits.find_process_limit(NODE, {"process_count": 250_000, "process_limit": 262_144}))
    assert not list(couchdb_limits.find_process_limit(NODE, {"process_count": 900, "process_limit": 262_144}))
    assert not list(couchdb_limits.find_process_limit(NODE, {"process_count": "?"}))
    (finding,) = couchdb_limits.find_descriptor_limit(NODE, 1_000, 1_024)
    assert finding.severity is Severity.ERROR
    (finding,) = couchdb_limits.find_descriptor_limit(NODE, 900, 1_024)
    assert finding.severity is Severity.WARNING
    assert not list(couchdb_limits.find_descriptor_limit(NODE, 900, 65_536))
    assert not list(couchdb_limits.find_descriptor_limit(NODE, 900, None))


def test_compaction_that_is_behind_is_told_with_the_worst_first() -> None:
    infos: dict[str, dict[str, Any]] = {
        "sound": {"sizes": {"file": 2 * GIB, "active": GIB}},
        "bad": {"sizes": {"file": 4 * GIB, "active": GIB}},
        "worst": {"sizes": {"file": 9 * GIB, "active": GIB}},
        "under way": {"sizes": {"file": 9 * GIB, "active": GIB}, "compact_running": True},
        "small": {"sizes": {"file": 1_000_000, "active": 1}},
        "odd": {"sizes": {"file": "?", "active": None}},
        "odder": {"sizes": 7},
    }
    (finding,) = storage_use.find_waste(infos.items())
    assert [text.partition(" ")[0] for text in finding.subjects] == ["worst", "bad"]


def test_large_shards_are_told() -> None:
    infos: dict[str, dict[str, Any]] = {
        "large": {"sizes": {"file": 30 * GIB, "active": 25 * GIB}, "cluster": {"q": 2}},
        "spread": {"sizes": {"file": 30 * GIB, "active": 25 * GIB}, "cluster": {"q": 8}},
        "odd": {"sizes": {"file": 30 * GIB, "active": 25 * GIB}, "cluster": []},
    }
    (finding,) = storage_use.find_large_shards(infos.items())
    assert [text.partition(" ")[0] for text in finding.subjects] == ["large"]


def test_versions_are_compared_by_their_numbers() -> None:
    assert couchdb.parse_version("3.10.0") > couchdb.parse_version("3.9.1")
    assert couchdb.parse_version("3.5.0-RC1") == (3, 5, 0)
    assert couchdb.parse_version("None") == ()
