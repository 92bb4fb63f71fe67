"""The app's settings: one dict, ``VISUALSEARCH``, merged over these defaults."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from .photos.allowed_origins import origin_of
from .photos.decode import Limits
from .photos.decode_budget import DecodeBudget, usual_capacity
from .photos.download import Rules
from .photos.format_limits import USUAL, with_heic


def shipped_model() -> Path:
    """Return the folder of the shipped model, in an installed package or in a checkout."""
    app = Path(__file__).resolve().parent
    installed = app / "shopnet"
    return installed if installed.is_dir() else app.parent / "ml_models" / "shopnet"


SHIPPED_MODEL = shipped_model()


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


DEFAULTS: dict[str, Any] = {
    # Dotted path of the shop's CatalogSource; the only required setting.
    "CATALOG": "",
    # Several catalogs in place of CATALOG: dotted paths by name, the default one first. The dotted
    # path of a function that returns the name for a request; see visualsearch/middleware.py.
    "CATALOGS": {},
    "CATALOG_OF_REQUEST": "",
    # Name of the rows of CATALOG; None: "site-<SITE_ID>", and "" for the first site or without one.
    "CATALOG_NAME": None,
    # Folder for index files, which can be rebuilt from the database.
    "DATA_DIR": ".data/visualsearch",
    # Encoder: dotted path and the arguments of its constructor.
    "ENCODER": "visualsearch.encoders.onnx.OnnxEncoder",
    "ENCODER_OPTIONS": {"package": SHIPPED_MODEL, "threads": 1},
    # Index: dotted path and the arguments of its constructor.
    "INDEX": "visualsearch.indexes.faiss.FaissIndex",
    "INDEX_OPTIONS": {},
    # Whether Celery workers search and index; otherwise the calling process does.
    "USE_CELERY": False,
    # Redis that carries photos to search workers and results back; required with Celery.
    "REDIS_URL": "",
    # Limits on a photo: bytes of the file, megapixels by its header, pixels of the shorter side.
    "MAX_PHOTO_BYTES": 12_000_000,
    "MAX_PHOTO_MEGAPIXELS": 50,
    "MIN_PHOTO_SIDE": 16,
    # Bytes of memory that a process may use for decoding photos at the same time; None: a quarter
    # of the memory of its container. More photos wait for up to SEARCH_TIMEOUT.
    "MAX_DECODE_MEMORY": None,
    # Seconds by which an upload may lag behind 20 kB a second; see contrib/gunicorn/worker.py.
    "BODY_TIMEOUT": 10.0,
    # Whether HEIC, the format of iPhones, is accepted. Needs the package pillow-heif.
    "HEIC": False,
    # Formats of catalog images besides those of customers' photos: "TIFF" and "JPEG2000".
    "CATALOG_FORMATS": [],
    # Origins from which a photo may be fetched by URL, such as "https://images.example.com"; the
    # API has the field image_url only if there are any. Timeout of a fetch in seconds. Private
    # networks to allow, such as "10.1.0.0/16".
    "FETCH_ORIGINS": [],
    "FETCH_TIMEOUT": 3.0,
    "FETCH_NETWORKS": [],
    # Images encoded and stored together while indexing.
    "BATCH_SIZE": 32,
    # Threads that read, decode and encode images while indexing; leave some cores to searches.
    "INDEX_THREADS": min(cores(), 4),
    # Seconds a web process waits for a search worker; the worker drops jobs older than that.
    "SEARCH_TIMEOUT": 5.0,
    # The same for asynchronous searches, whose clients poll for the result.
    "ASYNC_TIMEOUT": 30.0,
    # Most concurrent searches in a web process, and most jobs in the queue; more are refused.
    "MAX_QUEUE": 16,
    # Rate limits per client: searches and classifications ("search"), events ("events") and all
    # other requests ("read"). None, or a missing scope, means no limit.
    "THROTTLE": {"search": "60/min", "read": "300/min", "events": "300/min"},
    # Whether API requests, except those of the shop's own pages, need a storefront's key.
    "REQUIRE_API_KEY": False,
    # Seconds after an answer until the search is stored, together with others; 0: before it.
    "WRITE_DELAY": 0.1,
    # Seconds for which a search can be paged without sending the photo again.
    "QUERY_LIFETIME": 3600,
    # Seconds for which the figures and events of a search are kept.
    "FIGURES_LIFETIME": 90 * 24 * 3600,
    # Seconds for which a photo is kept if its sender allows it; 0: never.
    "KEEP_PHOTOS": 0,
    # Whether the words beside a photo are kept with the figures of their search.
    "KEEP_WORDS": False,
    # Most bytes of all photos of a batch.
    "MAX_BATCH_BYTES": 48_000_000,
    # Whether to detect the subject of a photo and search for it instead of the whole photo.
    "FIND_SUBJECT": True,
    # Whether to look for several things in a photo, each of which can be searched for.
    "FIND_OBJECTS": True,
    # Number of class probabilities in a response.
    "PREDICTIONS": 5,
    # Number of retired index versions kept for a rollback.
    "KEPT_VERSIONS": 2,
    # Labelled photos (CSV: image,sku[,style]) to evaluate every new index version on; for several
    # catalogs, a dict by their names.
    "LABELLED_QUERIES": "",
    # Images that each repair reads, to find files that were overwritten under their names; those
    # read longest ago come first.
    "REPAIR_CONTENTS": 1000,
    # Whether new index versions are fitted to the catalog; see indexes/catalog_fit.py.
    "FIT": True,
    # Largest drop of recall@10 on the labelled photos at which a new version is still activated
    # automatically.
    "MAX_RECALL_DROP": 0.05,
    # Seconds after which the products behind the filter of a ranking rule are read again.
    "RULES_REFRESH": 30.0,
    # Seconds without a heartbeat after which a run counts as dead and may be taken over.
    "RUN_TIMEOUT": 60,
    # Whether, without Celery, a run started in the admin gets a background process.
    "RUN_IN_BACKGROUND": True,
}


@cache
def merged() -> dict[str, Any]:
    """Return the ``VISUALSEARCH`` dict merged over the defaults."""
    return DEFAULTS | getattr(settings, "VISUALSEARCH", {})


def get(name: str) -> Any:
    """Return one setting; raise KeyError for a name that is not in :data:`DEFAULTS`."""
    return merged()[name]


@cache
def load(name: str) -> Any:
    """Return an instance of the class that the setting ``name`` names, one per process.

    The setting ``<name>_OPTIONS``, if there is one, holds the arguments of the constructor.
    """
    return import_string(get(name))(**merged().get(f"{name}_OPTIONS", {}))


def limits(side: int | None = None) -> Limits:
    """Return the limits on photos that the settings define.

    ``side``: pixels of the shorter side that the model needs; None: those of the shipped model.
    """
    return Limits(
        working_side=side or Limits.working_side,
        max_bytes=get("MAX_PHOTO_BYTES"),
        max_megapixels=get("MAX_PHOTO_MEGAPIXELS"),
        min_side=get("MIN_PHOTO_SIDE"),
        formats=with_heic() if get("HEIC") else USUAL,
    )


@cache
def decode_budget() -> DecodeBudget:
    """Return the memory of this process for decoding customers' photos."""
    capacity = get("MAX_DECODE_MEMORY")
    return DecodeBudget(usual_capacity() if capacity is None else capacity, get("SEARCH_TIMEOUT"))


def catalog_limits(side: int | None = None) -> Limits:
    """Return the limits on the images of the catalog; ``side`` as in :func:`limits`."""
    usual = limits(side)
    return replace(usual, formats=(*usual.formats, *get("CATALOG_FORMATS")))


@cache
def fetch_rules() -> Rules:
    """Return the rules for downloading photos; raise ValueError for an invalid setting."""
    return Rules(
        origins=frozenset(origin_of(each) for each in get("FETCH_ORIGINS")),
        networks=tuple(ip_network(each) for each in get("FETCH_NETWORKS")),
        timeout=get("FETCH_TIMEOUT"),
        max_bytes=get("MAX_PHOTO_BYTES"),
    )


def reset(*, setting: str, **kwargs: object) -> None:
    """Drop the cached settings and instances when a test overrides the settings."""
    if setting == "VISUALSEARCH":
        merged.cache_clear()
        load.cache_clear()
        fetch_rules.cache_clear()
        decode_budget.cache_clear()


setting_changed.connect(reset)
