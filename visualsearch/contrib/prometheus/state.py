"""Gauges that are read from the database and from Redis at each scrape."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import redis
from django.db import Error
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from ... import conf, redis_client
from ...catalogs import catalog_names, using_catalog
from ...models import Embedding, Repair, Run
from ...search_queue import redis_queue
from ...serving import processor_check
from ...versions import lifecycle
from ..probes import Hanging, within

logger = logging.getLogger(__name__)

# Timeout of each query in seconds.
PATIENCE = 1.5

# Rows are counted again after this many seconds, and after this many times the duration of the last
# count.
COUNTED_FOR, PAUSE = 10.0, 50

Gauges = list[Metric]


class StateCollector:
    """Collects gauges of the whole shop; ``visualsearch_up`` is 0 for a server that is down."""

    def __init__(self) -> None:
        self.counts: Gauges = []
        self.counting = threading.Lock()
        self.again = 0.0

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics at each scrape."""
        up = GaugeMetricFamily("visualsearch_up", "Whether the server responds.", labels=["what"])
        stands = asked(of_database)
        up.add_metric(["database"], stands is not None)
        yield from stands or []
        if stands is not None:
            # Counting a large catalog may time out. Then the last counts are reported.
            asked(self.count)
            yield from self.counts
        if conf.get("USE_CELERY"):
            waiting = asked(of_redis)
            workers = [each for each in waiting or [] if each.name == "visualsearch_search_workers"]
            up.add_metric(["redis"], waiting is not None)
            up.add_metric(["workers"], any(each.samples[0].value for each in workers))
            yield from waiting or []
        yield up

    def count(self) -> Gauges:
        """Return the gauges of :func:`of_rows`, cached; only one scrape at a time counts rows."""
        if self.counting.acquire(blocking=False):
            try:
                start = time.monotonic()
                if start >= self.again:
                    self.counts = of_rows()
                    took = time.monotonic() - start
                    self.again = start + max(COUNTED_FOR, PAUSE * took)
            finally:
                self.counting.release()
        return self.counts


def asked(ask: Callable[[], Gauges]) -> Gauges | None:
    """Call ``ask`` and return its gauges, None if its server fails or does not answer in time."""
    try:
        return within(PATIENCE, ask)
    except (Error, redis.RedisError, Hanging) as error:
        logger.warning("This scrape lacks the gauges of “%s”: %s", ask.__name__, error)
        return None


def gauge(name: str, text: str, value: float) -> Metric:
    """Return a gauge with a single value."""
    return GaugeMetricFamily(f"visualsearch_{name}", text, value=value)


def by_catalog(read: Callable[[], Gauges]) -> Gauges:
    """Return the gauges of each catalog, with its name as the label ``catalog``."""
    found: dict[str, GaugeMetricFamily] = {}
    for name in catalog_names():
        with using_catalog(name):
            for one in read():
                labelled = GaugeMetricFamily(one.name, one.documentation, labels=["catalog"])
                labelled = found.setdefault(one.name, labelled)
                labelled.add_metric([name], one.samples[0].value)
    return list(found.values())


def of_database() -> Gauges:
    """Return gauges of each catalog's active version and open run; zeros if there is none."""
    return by_catalog(of_version_and_run)


def of_version_and_run() -> Gauges:
    """Return gauges of the current catalog's active version and open run."""
    version, run = lifecycle.active_version(), Run.objects.filter(open=True).first()
    gauges = [
        gauge("index_version", "Active index version, 0 for none.", version.pk if version else 0),
        gauge("run_open", "Whether a reindex is open.", run is not None),
        gauge("run_items", "Items of the open run.", run.items if run else 0),
        gauge("run_items_done", "Items of the open run that are done.", run.done if run else 0),
        gauge("run_images_failed", "Images that failed in the open run.", run.failed if run else 0),
        gauge(
            "run_dead",
            "Whether the open run's process sends no heartbeats.",
            bool(run and run.is_dead),
        ),
    ]
    repair = Repair.objects.first()
    if repair is not None:
        gauges += [
            gauge(
                "repair_timestamp_seconds",
                "When the last repair finished.",
                repair.finished.timestamp(),
            ),
            gauge("repair_items", "Items that the last repair found to differ.", repair.items),
            gauge(
                "repair_overwritten_images",
                "Images that the last repair found to be overwritten.",
                repair.overwritten,
            ),
        ]
    if version is not None:
        since = version.activated or version.created
        gauges += [
            gauge(
                "index_age_seconds",
                "Age of the active version, which includes later changes of the catalog.",
                (timezone.now() - version.created).total_seconds(),
            ),
            gauge(
                "index_activated_timestamp_seconds",
                "When the active version was activated.",
                since.timestamp(),
            ),
        ]
    return gauges


def of_rows() -> Gauges:
    """Return gauges of each catalog's images and items, and of differing processors."""
    return by_catalog(of_catalog_rows)


def of_catalog_rows() -> Gauges:
    """Return gauges of the current catalog's images and items, and of differing processors."""
    version = lifecycle.active_version()
    rows = Embedding.objects.filter(encoder=version.encoder if version else "", removed=False)
    searchable = rows.filter(error="", left_out=False)
    return [
        gauge("index_images", "Images that can be found.", searchable.count()),
        gauge(
            "index_items", "Items that can be found.", searchable.values("item").distinct().count()
        ),
        gauge("failed_images", "Images that could not be indexed.", rows.exclude(error="").count()),
        gauge(
            "processors_differing",
            "Processor types whose embeddings differ from the active model's known answers.",
            len(processor_check.differing_processors(version.encoder)) if version else 0,
        ),
    ]


def of_redis() -> Gauges:
    """Return gauges of the length of the queue and the number of live search workers."""
    workers = sum(
        1 for _ in redis_client.client().scan_iter(redis_client.key_of("worker", "*"), count=1000)
    )
    return [
        gauge(
            "queue_length",
            "Searches waiting for a worker.",
            redis_client.client().llen(redis_queue.queue()),
        ),
        gauge("search_workers", "Search workers that send heartbeats.", workers),
    ]
