"""Run a search by photo and store it, so that later pages can continue it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from PIL import Image

from .. import conf
from ..encoders.base import Encoder
from ..encoders.cells import Cells
from ..encoders.objects import find_objects
from ..exceptions import IndexNotReady, ModelUnavailable
from ..models import Query, Refusal, to_bytes
from ..photos.crops import Crop, part_of
from ..photos.decode import Photo
from ..serving import live_index, loaded_versions
from . import query_log, rules, shown_products
from .build_result import build_result
from .callers import Caller
from .encode_photo import encode_photo, top_predictions
from .experiments import Attribution, attribute
from .photo_colour import photo_colour
from .ranking import rank
from .requests import DEFAULT_LIMIT, SearchRequest
from .results import SearchResult, Stopwatch
from .shown_products import words_to_keep


def search(photo: Photo, request: SearchRequest, *, watch: Stopwatch | None = None) -> SearchResult:
    """Return the items of the catalog that look most like a photo.

    The query is stored under ``SearchResult.query_id``, unless ``request.remember`` is False; see
    :func:`.query_log.store` for when.
    Raises IndexNotReady if the catalog is not indexed or the version cannot be searched,
    ModelUnavailable if the model cannot be loaded, ValidationError for an unknown ordering or an
    invalid filter value.
    """
    watch = watch or Stopwatch()
    query, current = encode_query(photo, request, watch)
    result = build_result(query, current, request, watch)
    if not request.remember:
        return replace(result, query_id=None)
    query.best_score = result.hits[0].score if result.hits else None
    query.matched, query.took_ms = result.matched, result.took_ms
    query.rules = rules.touched(result.hits)
    query.words = words_to_keep(result.words) or None
    query.shown = shown_products.rank_by_item(result, request.offset)
    query_log.store(query)
    return result


def encode_query(
    photo: Photo, request: SearchRequest, watch: Stopwatch
) -> tuple[Query, live_index.LiveIndex]:
    """Encode a photo; return it as a query that is not stored yet, and the index to search.

    Raises IndexNotReady or ModelUnavailable as :func:`search` does.
    """
    with watch.stage("index"):
        current, attribution = index_for(request.caller, request.version)
    encoder = current.encoder
    with watch.stage("encode"):
        encoded = encode_photo(encoder, photo)
    query = Query(
        pk=UUID(request.query_id) if request.query_id else uuid4(),
        storefront_id=attribution.storefront,
        visitor=attribution.visitor,
        experiment_id=attribution.experiment,
        variant=attribution.variant,
        encoder=encoder.id,
        index_version=current.version,
        vector=to_bytes(encoded.embedding),
        cells=encoded.cells.to_bytes() if encoded.cells and keeps_cells(request) else b"",
        expires=timezone.now() + timedelta(seconds=conf.get("QUERY_LIFETIME")),
        crop=photo.crop,
        subject=encoded.subject and part_of(photo.crop, encoded.subject),
        colour=photo_colour(encoder, encoded.cells, encoded.subject),
        predictions=[vars(each) for each in top_predictions(encoder, encoded.probabilities)],
        objects_found=objects_in(encoder, encoded.cells, photo.crop) or None,
        warnings=list(photo.warnings),
    )
    return query, current


def keeps_cells(request: SearchRequest) -> bool:
    """Return whether a search needs the photo's cells once the photo is encoded."""
    return request.remember or request.object is not None or request.per_object


def objects_in(encoder: Encoder, cells: Cells | None, crop: Crop | None) -> list[dict[str, Any]]:
    """Return the things in a photo of several, as JSON values of FoundObject."""
    if cells is None or not conf.get("FIND_OBJECTS"):
        return []
    return [
        {
            "id": number,
            "box": part_of(crop, each.box),
            "label": each.label,
            "probability": each.probability,
        }
        for number, each in enumerate(find_objects(encoder, cells), 1)
    ]


def index_for(caller: Caller, version: int | None) -> tuple[live_index.LiveIndex, Attribution]:
    """Return the index to search for a caller, and the caller's data to store with the query.

    If the treatment's index version cannot be loaded, the active version is returned and the
    failure is stored as a refusal of that experiment. Raises IndexNotReady or ModelUnavailable only
    for an explicit ``version`` and for the active one.
    """
    if version is not None:
        return loaded_versions.current(version), Attribution(
            storefront=caller.storefront, visitor=caller.visitor
        )
    attribution = attribute(caller)
    if attribution.version is None:
        return loaded_versions.current(), attribution
    try:
        current = loaded_versions.current(attribution.version, wait=False)
        if current.version == attribution.version:
            return current, attribution
        failed = loaded_versions.has_failed(attribution.version)
    except (IndexNotReady, ModelUnavailable):
        failed = True
    if failed:
        Refusal.objects.create(
            code=ModelUnavailable.code,
            storefront_id=attribution.storefront,
            experiment_id=attribution.experiment,
            variant=attribution.variant,
        )
    return loaded_versions.current(), replace(
        attribution, experiment=None, variant="", version=None
    )


def warm_up() -> None:
    """Load model and index and run one search, so that the first customer does not wait for it.

    Raises IndexNotReady if nothing is indexed, ModelUnavailable if the model cannot be loaded.
    """
    current = loaded_versions.current()
    encoded = encode_photo(current.encoder, Photo(image=Image.new("RGB", (64, 64))))
    if encoded.cells:
        # A plain image has no subject, so encode_photo() did not pool one.
        current.encoder.pool(encoded.cells, (0.25, 0.25, 0.5, 0.5))
    rank(current, [encoded.embedding], DEFAULT_LIMIT, watch=Stopwatch())
    # The products of many rules take seconds to read.
    rules.effects_for(category=None, label=None, storefront=None, experiment=None, variant="")
