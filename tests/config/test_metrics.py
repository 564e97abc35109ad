"""``/metrics``: what is counted, who may read it, and the alerts and the dashboard that use it."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.api_client import Account, Api
from tests.support.servers import PROJECT, Running, direct

TOKEN = "the-token-of-prometheus"


@pytest.fixture(scope="module")
def counting(server_with: Callable[..., Running]) -> Running:
    """A service of two workers that counts."""
    return server_with(METRICS_TOKEN=TOKEN, WEB_CONCURRENCY="2")


def scrape(server: Running, token: str = TOKEN) -> requests.Response:
    """The answer to Prometheus."""
    return direct().get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def samples(server: Running) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The values, by their names and labels."""
    families = text_string_to_metric_families(scrape(server).text)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def requests_by_route(server: Running, method: str, status: int) -> dict[str, float]:
    """How many requests of a method and status there were, by route."""
    counts = {}
    for (name, labels), value in samples(server).items():
        members = dict(labels)
        if name == "vmboxes_requests_total" and (members["method"], members["status"]) == (method, str(status)):
            counts[members["route"]] = value
    return counts


def test_requests_are_counted_by_route_over_all_workers(counting: Running, api: Api, account: Account) -> None:
    address = f"{counting.url}/v2/accounts/{account.id}/vmboxes"
    headers = {"X-Auth-Token": api.token or ""}
    before = sum(requests_by_route(counting, "GET", 200).values())
    for _ in range(20):
        assert requests.get(address, headers=headers, timeout=60).ok
    counts = requests_by_route(counting, "GET", 200)
    assert sum(counts.values()) - before == 21  # the scrape before is one of them
    assert not [route for route in counts if account.id in route]
    chunks = iter([b'{"data": {"name": "Sales", ', b'"mailbox": "7000"}}'])  # Django makes another request of these
    sent = requests.put(address, data=chunks, headers={**headers, "Content-Type": "application/json"}, timeout=60)
    assert sent.status_code == 201, sent.text
    assert [route for route in requests_by_route(counting, "PUT", 201) if "vmboxes" in route]


def test_couchdb_processes_followers_and_jobs_are_in_it(counting: Running) -> None:
    values = samples(counting)
    names = {name for name, _ in values}
    assert values["vmboxes_couchdb_requests_total", frozenset({("method", "GET"), ("outcome", "2xx")})] > 0
    assert values["vmboxes_jobs", frozenset({("state", "failed")})] == 0
    assert values["vmboxes_database_up", frozenset()] == 1
    assert values["vmboxes_followers", frozenset({("consumer", "webhooks")})] == 0
    assert len([name for name, _ in values if name == "vmboxes_resident_bytes"]) == 2
    assert "vmboxes_request_seconds_bucket" in names


def test_nobody_reads_it_without_the_token(counting: Running, server: Running) -> None:
    assert scrape(counting, "another").status_code == 401
    assert direct().get(f"{counting.url}/metrics", timeout=60).status_code == 401
    assert scrape(server).status_code == 404


@pytest.mark.parametrize("file", ["vmboxes.rules.yml", "grafana-dashboard.json"])
def test_alerts_and_dashboard_use_metrics_that_there_are(counting: Running, file: str) -> None:
    text = (PROJECT / "deploy" / "prometheus" / file).read_text()
    content: Any = yaml.safe_load(text) if file.endswith("yml") else json.loads(text)
    assert content
    used = set(re.findall(r"\bvmboxes_[a-z_]+", text))
    direct().put(f"{counting.url}/v2/user_auth", json={"data": {}}, timeout=60)  # so that a body was counted
    names = {name for name, _ in samples(counting)}
    known = {*names, *(name.removesuffix("_bucket") for name in names), "vmboxes_migrations"}
    assert used
    assert used <= known
