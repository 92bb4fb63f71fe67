"""Run a search by photo and store it, so that later pages can continue it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from PIL import Image

from .. import conf
from ..exceptions import IndexNotReady, ModelUnavailable
from ..models import Query, Refusal, to_bytes
from ..photos.crops import part_of
from ..photos.decode import Photo
from ..serving import live_index, loaded_versions
from . import shown_products
from .build_result import answer
from .callers import NOBODY, Caller
from .encode_photo import look_at, top_predictions
from .experiments import Trace, trace_of
from .ranking import rank
from .results import SearchResult, Stopwatch

# Seconds between two clean-ups of expired queries.
SWEEP = 60.0
# Most rows of figures to delete at a time, because a customer is waiting.
SWEPT = 1000


def search(
    photo: Photo,
    *,
    limit: int = 12,
    filters: Mapping[str, Any] | None = None,
    watch: Stopwatch | None = None,
    version: int | None = None,
    query_id: str | None = None,
    caller: Caller = NOBODY,
) -> SearchResult:
    """Return the items of the catalog that look most like a photo.

    The query is stored under ``SearchResult.query_id``, so that :func:`page` can continue it;
    ``query_id``: id to store it under, None for a new one. ``version``: id of the index version to
    search; by default the active one, or the one that a running experiment assigns to the caller.
    Raises IndexNotReady if the catalog is not indexed or the version cannot be searched,
    ModelUnavailable if the model cannot be loaded, ValidationError for an invalid filter value.
    """
    watch = watch or Stopwatch()
    with watch.stage("index"):
        current, trace = version_for(caller, version)
    encoder = current.encoder
    with watch.stage("encode"):
        look = look_at(encoder, photo)
    query = Query(
        pk=UUID(query_id) if query_id else uuid4(),
        storefront_id=trace.storefront,
        visitor=trace.visitor,
        experiment_id=trace.experiment,
        variant=trace.variant,
        encoder=encoder.id,
        index_version=current.version,
        vector=to_bytes(look.embedding),
        cells=look.cells.to_bytes() if look.cells else b"",
        expires=timezone.now() + timedelta(seconds=conf.get("QUERY_LIFETIME")),
        crop=photo.crop,
        subject=look.subject and part_of(photo.crop, look.subject),
        predictions=[vars(each) for each in top_predictions(encoder, look.probabilities)],
        warnings=list(photo.warnings),
    )
    result = answer(query, current, limit=limit, filters=filters, watch=watch)
    query.best_score = result.hits[0].score if result.hits else None
    query.matched, query.took_ms = result.matched, result.took_ms
    query.shown = shown_products.ranks(result.hits)
    query.save(force_insert=True)
    sweep()
    return result


def version_for(caller: Caller, version: int | None) -> tuple[live_index.LiveIndex, Trace]:
    """Return the index to search for a caller, and the caller's data to store with the query.

    If the treatment's index version cannot be loaded, the active version is returned and the
    failure is stored as a refusal of that experiment. Raises IndexNotReady or ModelUnavailable only
    for an explicit ``version`` and for the active one.
    """
    if version is not None:
        return loaded_versions.current(version), Trace(
            storefront=caller.storefront, visitor=caller.visitor
        )
    trace = trace_of(caller)
    if trace.version is None:
        return loaded_versions.current(), trace
    try:
        current = loaded_versions.current(trace.version, wait=False)
        if current.version == trace.version:
            return current, trace
        failed = loaded_versions.has_failed(trace.version)
    except (IndexNotReady, ModelUnavailable):
        failed = True
    if failed:
        Refusal.objects.create(
            code=ModelUnavailable.code,
            storefront_id=trace.storefront,
            experiment_id=trace.experiment,
            variant=trace.variant,
        )
    return loaded_versions.current(), replace(trace, experiment=None, variant="", version=None)


_swept = 0.0


def sweep() -> None:
    """Erase embeddings of expired queries and delete old queries and refusals.

    Does nothing if called again within :data:`SWEEP` seconds.
    """
    global _swept
    now = time.monotonic()
    if now - _swept > SWEEP:
        _swept = now
        Query.forget_expired(SWEPT)


def warm_up() -> None:
    """Load model and index and run one search, so that the first customer does not wait for it.

    Raises IndexNotReady if nothing is indexed, ModelUnavailable if the model cannot be loaded.
    """
    current = loaded_versions.current()
    look = look_at(current.encoder, Photo(image=Image.new("RGB", (64, 64))))
    if look.cells:
        # A plain image has no subject, so look_at() did not pool one.
        current.encoder.pool(look.cells, (0.25, 0.25, 0.5, 0.5))
    rank(current, [look.embedding], 12, watch=Stopwatch())
