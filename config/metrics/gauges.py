"""What is looked up when somebody asks for metrics. It is the same from whichever worker answers."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from django.db import DatabaseError
from django.db.models import Count
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from audit.backlog import read_backlog
from events import state
from migration.models import MigrationRun

_PROC = Path("/proc")


class StateCollector(Collector):
    """Followers, jobs and migrations, from Django's database, and the memory of this service's processes."""

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics; those of a database that doesn't answer are left out, and it counts as down."""
        yield from _memory()
        yield _audit()
        is_up = GaugeMetricFamily("vmboxes_database_up", "Whether Django's database answers")
        try:
            metrics = [*_followers(), _jobs(), _migrations()]
        except DatabaseError:
            is_up.add_metric([], 0)
        else:
            is_up.add_metric([], 1)
            yield from metrics
        yield is_up


def _audit() -> Metric:
    return GaugeMetricFamily(
        "vmboxes_audit_waiting_bytes", "Records on this machine that wait for Django's database", read_backlog().size
    )


def _followers() -> Iterator[Metric]:
    behind = GaugeMetricFamily(
        "vmboxes_follower_seconds_behind", "Age of the oldest change that was not told", labels=["consumer"]
    )
    followers = GaugeMetricFamily("vmboxes_followers", "Followers that are alive", labels=["consumer"])
    is_complete = GaugeMetricFamily(
        "vmboxes_followers_complete", "Whether all accounts are followed", labels=["consumer"]
    )
    for consumer in state.list_enabled():
        behind.add_metric([consumer.consumer], consumer.seconds_behind)
        followers.add_metric([consumer.consumer], consumer.followers)
        is_complete.add_metric([consumer.consumer], int(consumer.is_complete))
    yield from (behind, followers, is_complete)


def _jobs() -> Metric:
    counts = state.job_counts()
    jobs = GaugeMetricFamily("vmboxes_jobs", "Jobs of the workers", labels=["state"])
    jobs.add_metric(["waiting"], counts.waiting)
    jobs.add_metric(["running"], counts.running)
    jobs.add_metric(["failed"], counts.failed)
    return jobs


def _migrations() -> Metric:
    migrations = GaugeMetricFamily("vmboxes_migrations", "Runs of the migration from 3.x", labels=["state"])
    rows = MigrationRun.objects.order_by().values("state").annotate(runs=Count("pk")).values_list("state", "runs")
    for name, number in rows:
        migrations.add_metric([name], number)
    return migrations


def _memory() -> Iterator[Metric]:
    resident = GaugeMetricFamily("vmboxes_resident_bytes", "Memory of each process", labels=["process"])
    for pid in sorted({os.getpid(), *_siblings()}):
        with suppress(OSError, ValueError):
            pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
            resident.add_metric([str(pid)], pages * os.sysconf("SC_PAGE_SIZE"))
    yield resident


def _siblings() -> list[int]:
    """Return the processes with this one's parent: the other workers."""
    parent = os.getppid()
    if parent <= 1:
        return []
    with suppress(OSError):
        return [int(pid) for pid in (_PROC / f"{parent}/task/{parent}/children").read_text().split()]
    return []
