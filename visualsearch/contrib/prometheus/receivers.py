"""Count what the app's signals report."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.dispatch import receiver
from prometheus_client import Counter, Histogram

from ... import signals

# Seconds, from an encoding of a millisecond to the timeout of a search.
BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0),
)

SECONDS = Histogram(
    "visualsearch_search_seconds",
    "Search time by stage: decode (web), queue (waiting for a worker), encode, index, products,"
    " and total.",
    ["what", "stage"],
    buckets=BUCKETS,
)
SEARCHES = Counter("visualsearch_searches", "Finished searches.", ["what", "model", "matched"])
REFUSED = Counter("visualsearch_refused", "Refused requests.", ["code"])
JOBS = Counter("visualsearch_jobs", "Search jobs by outcome.", ["end"])
IMAGES = Counter("visualsearch_images_indexed", "Processed images by outcome.", ["outcome"])
ACTIVATIONS = Counter("visualsearch_activations", "Activations of index versions.")

# Create these counters at zero, so that a first failure is an increase, too.
for _end in ("answered", "refused", "failed", "dropped"):
    JOBS.labels(_end)
for _outcome in ("encoded", "unchanged", "failed", "removed"):
    IMAGES.labels(_outcome)


@lru_cache(maxsize=64)
def seconds_of(what: str, stage: str) -> Any:
    """Return the histogram of a kind of search (``what``) and a stage, cached.

    Finding it by its labels takes three times as long as an observation.
    """
    return SECONDS.labels(what, stage)


@receiver(signals.searched, dispatch_uid="visualsearch.prometheus")
def count_search(
    what: str, took_ms: Mapping[str, float], matched: bool, model: str, **kwargs: object
) -> None:
    for stage, milliseconds in took_ms.items():
        seconds_of(what, stage).observe(milliseconds / 1000)
    SEARCHES.labels(what, model, "yes" if matched else "no").inc()


@receiver(signals.refused, dispatch_uid="visualsearch.prometheus")
def count_refusal(code: str, **kwargs: object) -> None:
    REFUSED.labels(code).inc()


@receiver(signals.job_done, dispatch_uid="visualsearch.prometheus")
def count_job(refused: str, **kwargs: object) -> None:
    end = {"": "answered", "search_failed": "failed"}.get(refused, "refused")
    JOBS.labels(end).inc()


@receiver(signals.job_dropped, dispatch_uid="visualsearch.prometheus")
def count_dropped(**kwargs: object) -> None:
    JOBS.labels("dropped").inc()


@receiver(signals.images_indexed, dispatch_uid="visualsearch.prometheus")
def count_images(counts: Mapping[str, int], **kwargs: object) -> None:
    for outcome, images in counts.items():
        if images:
            IMAGES.labels(outcome).inc(images)


@receiver(signals.version_activated, dispatch_uid="visualsearch.prometheus")
def count_activation(**kwargs: object) -> None:
    ACTIVATIONS.inc()
