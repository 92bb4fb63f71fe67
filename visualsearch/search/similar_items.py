"""Find the items that look most like an item of the catalog."""

from __future__ import annotations

from ..catalogs import catalog
from ..exceptions import ItemNotFound
from ..models import Embedding, from_bytes
from ..serving import loaded_versions
from . import groups
from .arrangement import Arrangement
from .build_result import with_total
from .nearest import is_match
from .ranking import rank
from .requests import SimilarRequest
from .results import SearchResult, Stopwatch
from .rules import effects_for
from .words import Wanted


def find_similar(request: SimilarRequest) -> SearchResult:
    """Return the items that look most like ``request.item``, without the item itself.

    Nothing is stored, so the result has no ``query_id``. Raises ItemNotFound if the item is not
    visible or has no searchable image, IndexNotReady or ModelUnavailable as
    :func:`.by_photo.search` does.
    """
    watch, source = Stopwatch(), catalog()
    with watch.stage("index"):
        current = loaded_versions.current()
        encoder = current.encoder
        if not source.by_key([request.item]):
            raise ItemNotFound
        stored = Embedding.objects.filter(encoder=encoder.id, item=request.item).searchable()
        vectors = [from_bytes(each) for each in stored.values_list("vector", flat=True)]
        if not vectors:
            raise ItemNotFound
        effects = effects_for(
            category=None, label=None, storefront=None, experiment=None, variant=""
        )
    arrangement = None
    if effects:
        rows = source.visible
        arrangement = Arrangement(current, vectors, source, rows, Wanted(), effects)
    collapse = bool(request.collapse and source.group)
    own = {request.item, *(groups.same_group(source, request.item) if collapse else ())}
    hits = rank(
        current,
        vectors,
        request.limit,
        watch=watch,
        leave_out=own,
        arrangement=arrangement,
        collapse=collapse,
    )
    with watch.stage("products"):
        count = max(0, current.items - len(own))
        if collapse:
            count = max(0, groups.count(source, current, {}, items=count + 1) - 1)
    return SearchResult(
        query_id=None,
        model=encoder.id,
        index_version=current.version,
        predictions=[],
        matched=is_match(current, vectors, hits),
        count=count,
        hits=hits,
        took_ms=with_total(watch),
        warnings=[],
    )
