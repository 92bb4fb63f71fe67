"""Find the items that look most like an item of the catalog."""

from __future__ import annotations

from ..catalogs import catalog
from ..exceptions import ItemNotFound
from ..models import Embedding, from_bytes
from ..serving import loaded_versions
from .build_result import with_total
from .ranking import is_match, rank
from .requests import SimilarRequest
from .results import SearchResult, Stopwatch


def find_similar(request: SimilarRequest) -> SearchResult:
    """Return the items that look most like ``request.item``, without the item itself.

    Nothing is stored, so the result has no ``query_id``. Raises ItemNotFound if the item is not
    visible or has no searchable image, IndexNotReady or ModelUnavailable as
    :func:`.by_photo.search` does.
    """
    watch = Stopwatch()
    with watch.stage("index"):
        current = loaded_versions.current()
        encoder = current.encoder
        if not catalog().by_key([request.item]):
            raise ItemNotFound
        rows = Embedding.objects.filter(encoder=encoder.id, item=request.item).searchable()
        vectors = [from_bytes(stored) for stored in rows.values_list("vector", flat=True)]
        if not vectors:
            raise ItemNotFound
    hits = rank(current, vectors, request.limit, watch=watch, leave_out=request.item)
    return SearchResult(
        query_id=None,
        model=encoder.id,
        index_version=current.version,
        predictions=[],
        matched=is_match(current, vectors, hits),
        count=max(0, current.items - 1),
        hits=hits,
        took_ms=with_total(watch),
        warnings=[],
    )
