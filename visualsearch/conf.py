"""The app's settings: one dict, ``VISUALSEARCH``, merged over these defaults."""

from __future__ import annotations

import os
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from .fetching import Rules
from .formats import USUAL, with_heic
from .origins import origin_of
from .photos import Limits


def shipped_model() -> Path:
    """Return the folder of the model that ships: in an installed package, or else in a checkout."""
    app = Path(__file__).resolve().parent
    installed = app / "shopnet"
    return installed if installed.is_dir() else app.parent / "ml_models" / "shopnet"


SHIPPED_MODEL = shipped_model()


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


DEFAULTS: dict[str, Any] = {
    # Dotted path of the shop's CatalogSource: the only setting without a default that works.
    "CATALOG": "",
    # Folder for index files. They are copies of what the database holds.
    "DATA_DIR": ".data/visualsearch",
    # Encoder: dotted path and the arguments of its constructor.
    "ENCODER": "visualsearch.encoders.onnx.OnnxEncoder",
    "ENCODER_OPTIONS": {"package": SHIPPED_MODEL, "threads": 1},
    # Index: dotted path and the arguments of its constructor.
    "INDEX": "visualsearch.indexes.faiss.FaissIndex",
    "INDEX_OPTIONS": {},
    # Whether searching and indexing go to Celery workers; otherwise they are done right here.
    "USE_CELERY": False,
    # Redis through which photos go to search workers and answers come back; needed for Celery.
    "REDIS_URL": "",
    # Limits on a photo: bytes of the file, megapixels by its header, pixels per side.
    "MAX_PHOTO_BYTES": 12_000_000,
    "MAX_PHOTO_MEGAPIXELS": 50,
    "MIN_PHOTO_SIDE": 16,
    # Seconds for which the body of a request may stand still; see api/parsers.py for its pace.
    "BODY_TIMEOUT": 10.0,
    # Whether HEIC, what iPhones save, is taken. It needs the package pillow-heif.
    "HEIC": False,
    # Origins from which a photo may be fetched by its URL, such as "https://images.example.com";
    # the field image_url exists only where there are some. Seconds for one fetch. Networks that
    # are allowed although the public Internet does not reach them, such as "10.1.0.0/16".
    "FETCH_ORIGINS": [],
    "FETCH_TIMEOUT": 3.0,
    "FETCH_NETWORKS": [],
    # Images that are encoded and stored together while indexing.
    "BATCH_SIZE": 32,
    # Threads that read, decode and encode them. Searches on the same machine want some time, too.
    "INDEX_THREADS": min(cores(), 4),
    # Seconds a web process waits for a search worker; a later search is dropped by the worker.
    "SEARCH_TIMEOUT": 5.0,
    # The same for a client that does not wait but comes back.
    "ASYNC_TIMEOUT": 30.0,
    # Searches at once in a web process, and waiting in the queue, before more are refused.
    "MAX_QUEUE": 16,
    # How often one client may search by a photo or have its class told ("search"), tell what came
    # of it ("events"), and ask for anything else ("read"); None, or a scope that is left out: as
    # often as it likes.
    "THROTTLE": {"search": "60/min", "read": "300/min", "events": "300/min"},
    # Whether a search from outside needs the key of a storefront.
    "REQUIRE_API_KEY": False,
    # Seconds for which a search can be paged without sending the photo again.
    "QUERY_LIFETIME": 3600,
    # Seconds for which the figures of a search, and what became of it, are kept.
    "FIGURES_LIFETIME": 90 * 24 * 3600,
    # Seconds for which a photo is kept that its sender allows to be kept; 0: none ever is.
    "KEEP_PHOTOS": 0,
    # Bytes of all photos of a batch.
    "MAX_BATCH_BYTES": 48_000_000,
    # Whether the subject of a photo is looked for, and searched for in place of the whole.
    "FIND_SUBJECT": True,
    # Class probabilities in an answer.
    "PREDICTIONS": 5,
    # Retired index versions that are kept for a roll back.
    "KEPT_VERSIONS": 2,
    # Labelled photos (CSV: image,sku[,style]) that every new index version is evaluated on.
    "LABELLED_QUERIES": "",
    # Whether new index versions are fitted to the catalog.
    "FIT": True,
    # How far recall@10 on them may fall below the active version's before a new one is held back.
    "MAX_RECALL_DROP": 0.05,
    # Seconds without a sign of life after which a run counts as dead and may be taken over.
    "RUN_TIMEOUT": 60,
    # Whether, without Celery, a run that the admin starts gets a process of its own.
    "RUN_IN_BACKGROUND": True,
}


@cache
def merged() -> dict[str, Any]:
    """The shop's dict over the defaults."""
    return DEFAULTS | getattr(settings, "VISUALSEARCH", {})


def get(name: str) -> Any:
    """One setting; KeyError for a name that is not in :data:`DEFAULTS`."""
    return merged()[name]


@cache
def load(name: str) -> Any:
    """One instance per process of the class that a dotted-path setting names.

    Its ``…_OPTIONS`` setting, where there is one, is what the constructor is called with.
    """
    return import_string(get(name))(**merged().get(f"{name}_OPTIONS", {}))


def limits() -> Limits:
    """The limits that photos are held to."""
    return Limits(
        max_bytes=get("MAX_PHOTO_BYTES"),
        max_megapixels=get("MAX_PHOTO_MEGAPIXELS"),
        min_side=get("MIN_PHOTO_SIDE"),
        formats=with_heic() if get("HEIC") else USUAL,
    )


@cache
def fetch_rules() -> Rules:
    """What may be fetched by its URL; ValueError for settings that the system check refuses."""
    return Rules(
        origins=frozenset(origin_of(each) for each in get("FETCH_ORIGINS")),
        networks=tuple(ip_network(each) for each in get("FETCH_NETWORKS")),
        timeout=get("FETCH_TIMEOUT"),
        max_bytes=get("MAX_PHOTO_BYTES"),
    )


def reset(*, setting: str, **kwargs: object) -> None:
    """Forget everything when a test overrides the settings."""
    if setting == "VISUALSEARCH":
        merged.cache_clear()
        load.cache_clear()
        fetch_rules.cache_clear()


setting_changed.connect(reset)
