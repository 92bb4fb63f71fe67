"""Examine what the search runs on: database, files, model, index, workers, addresses."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.checks import run_checks
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.urls import NoReverseMatch, reverse

from .. import conf
from ..exceptions import VisualSearchError
from ..models.primary import database
from ..reindex.drift import find_drift
from ..search_queue import redis_queue
from ..serving import processor_check, version_encoders
from ..versions import lifecycle
from .findings import Finding, examined, right, wrong

# Bytes; an index of a million pictures takes about this.
LEAST_DISK = 1_000_000_000
LOCAL_CACHES = ("LocMemCache", "DummyCache")


def examine_installation() -> list[Finding]:
    """Return what is right and wrong with everything but the catalog."""
    return [
        *examined("settings", of_settings, "Correct the settings."),
        *examined("database", of_database, "Correct DATABASES."),
        *examined("addresses", of_addresses, "Correct the URLconf."),
        *examined("files", of_files, "Make DATA_DIR a folder that can be written."),
        *examined("model", of_model, "Correct ENCODER and ENCODER_OPTIONS."),
        *examined("workers", of_workers, "Correct REDIS_URL."),
        *examined("index", of_index, "Run manage.py visualsearch_index."),
    ]


def of_settings() -> Iterator[Finding]:
    messages = [each for each in run_checks(tags=["visualsearch"]) if each.level >= 30]
    for message in messages:
        yield wrong("settings", f"{message.id}: {message.msg}", message.hint or "")
    for app in ("rest_framework", "drf_standardized_errors"):
        if app not in settings.INSTALLED_APPS:
            yield wrong("settings", f"{app} is not installed.", "Add it to INSTALLED_APPS.")
    cache = settings.CACHES["default"]["BACKEND"]
    if conf.get("USE_CELERY") and conf.get("THROTTLE") and cache.endswith(LOCAL_CACHES):
        yield wrong(
            "settings",
            f"Each process counts requests for itself, because the default cache is {cache}.",
            "Set CACHES to a cache that processes share, such as RedisCache.",
        )
    if not messages:
        yield right("settings", "manage.py check reports nothing.")


def of_database() -> Iterator[Finding]:
    alias = database()
    connection = connections[alias]
    executor = MigrationExecutor(connection)
    targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == "visualsearch"]
    if executor.migration_plan(targets):
        yield wrong("database", "Migrations are not applied.", "Run manage.py migrate.")
        return
    described = f"{alias}: {connection.vendor}."
    if kept_for(connection) == 0:
        described += (
            " Each request opens a connection, which takes as long as half a search;"
            " CONN_MAX_AGE = 60 in DATABASES keeps them."
        )
    yield right("database", described)


def kept_for(connection: BaseDatabaseWrapper) -> float | None:
    """Return the seconds for which a connection is kept between requests, None for no limit."""
    pooled = connection.settings_dict.get("OPTIONS", {}).get("pool")
    return None if pooled else connection.settings_dict["CONN_MAX_AGE"]


def of_addresses() -> Iterator[Finding]:
    for name, include in (
        ("visualsearch:search_page", 'path("search/photo/", include("visualsearch.urls"))'),
        ("visualsearch-api:search", 'path("api/visual-search/", include("visualsearch.api.urls"))'),
    ):
        try:
            yield right("addresses", reverse(name))
        except NoReverseMatch:
            yield wrong("addresses", f"{name} has no address.", f"Add to urlpatterns: {include}")


def of_files() -> Iterator[Finding]:
    folder = Path(conf.get("DATA_DIR"))
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / "doctor.tmp"
    probe.write_bytes(b"")
    probe.unlink()
    free = shutil.disk_usage(folder).free
    detail = f"{folder} has {free // 10**6} MB free."
    if free < LEAST_DISK:
        yield wrong("files", detail, "Free some disk space, or move DATA_DIR.")
    else:
        yield right("files", detail)


def of_model() -> Iterator[Finding]:
    encoder = version_encoders.configured_encoder()
    lowest = encoder.lowest_known_cosine()
    if lowest is None or encoder.known_answers is None:
        yield right("model", encoder.id)
    elif lowest < encoder.known_answers.least_cosine:
        yield wrong(
            "model",
            f"{processor_check.processor_name()} computes other embeddings than the model's"
            f" reference: {lowest:.4f}.",
            "Set VISUALSEARCH[“ENCODER_OPTIONS”][“precise”] to True.",
        )
    else:
        yield right(
            "model",
            f"{encoder.id} gives its reference embeddings on {processor_check.processor_name()}.",
        )


def of_workers() -> Iterator[Finding]:
    if not conf.get("USE_CELERY"):
        yield right("workers", "Searches run in the web processes.")
        return
    try:
        redis_queue.worker_input()
    except VisualSearchError as error:
        yield wrong(
            "workers",
            str(error),
            "Start Redis (REDIS_URL) and manage.py visualsearch_worker.",
        )
        return
    yield right("workers", "A search worker sends heartbeats.")


def of_index() -> Iterator[Finding]:
    version = lifecycle.active_version()
    if version is None:
        yield wrong("index", "The catalog is not indexed yet.", "Run manage.py visualsearch_index.")
        return
    drift = find_drift()
    if drift.clean:
        yield right(
            "index",
            f"Version {version.pk} holds all {drift.images} pictures.",
        )
        return
    yield wrong("index", " ".join(drift.lines()), "Run the command that each line names.")
