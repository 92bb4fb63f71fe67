"""What a search process can be asked, as values that are built once and passed on unchanged."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from django.http import QueryDict

from ..photos.crops import Crop
from .callers import NOBODY, Caller
from .results import Classification, EmbeddedPhoto, SearchResult

DEFAULT_LIMIT = 12
"""Number of results unless the client asks for another."""

RANK, FILTER = "rank", "filter"
"""Values of :attr:`Listing.words_mode`."""

R = TypeVar("R")


class Request(Generic[R]):
    """A request whose result is an R. ``kind``: its name in messages, metrics and logs."""

    kind: ClassVar[str]


def values_of(query: QueryDict, single: Container[str] = ()) -> dict[str, Any]:
    """Return query parameters as a dict; a parameter that was given several times has a list.

    ``single``: parameters that have one value, the last one.
    """
    values: dict[str, Any] = query.dict()
    several = {name: found for name, found in query.lists() if len(found) > 1}
    return values | {name: found for name, found in several.items() if name not in single}


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Which part of a ranking to return.

    ``limit``: most hits; ``offset``: number of better hits to skip. ``filters``: values of the
    shop's filters by name; one that was given several times has a list. ``ordering``: the ``value``
    of one of the shop's :class:`~visualsearch.facets.Ordering`, "" for similarity.
    ``with_facets``: whether to fill ``SearchResult.facets``. ``words``: words that describe what
    the customer wants, and ``words_mode``: whether they change the order (:data:`RANK`) or exclude
    what they do not describe (:data:`FILTER`). ``collapse``: whether to show one hit per group of
    items, see :attr:`CatalogSource.group`. ``object``: id of an object of the photo to search with,
    None for the photo's subject. ``per_object``: whether to fill ``SearchResult.per_object``.
    """

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    filters: Mapping[str, Any] = field(default_factory=dict)
    ordering: str = ""
    with_facets: bool = False
    words: str = ""
    words_mode: str = RANK
    collapse: bool = True
    object: int | None = None
    per_object: bool = False


@dataclass(frozen=True, kw_only=True)
class SearchRequest(Listing, Request[SearchResult]):
    """Find the items that look most like a photo.

    ``version``: id of the index version to search; None for the active one, or the one that a
    running experiment assigns to ``caller``. ``remember``: whether to store the query, so that a
    :class:`PageRequest` can continue it and figures count it. ``query_id``: id to store it under,
    "" for a new one.
    """

    kind = "search"
    version: int | None = None
    caller: Caller = NOBODY
    remember: bool = True
    query_id: str = ""


@dataclass(frozen=True, kw_only=True)
class PageRequest(Listing, Request[SearchResult]):
    """Continue a stored search.

    ``crop``: x, y, w, h in fractions of the uploaded photo, to search with only that part of it,
    unless ``object`` names one.
    ``storefront``: primary key of the client's Storefront, None for the shop's own pages.
    """

    kind = "page"
    query_id: str
    crop: Crop | None = None
    storefront: int | None = None


@dataclass(frozen=True, kw_only=True)
class SimilarRequest(Request[SearchResult]):
    """Find the items that look most like the item with the key ``item``.

    ``collapse``: whether to leave out the item's own group and show one hit per group.
    """

    kind = "similar"
    item: str
    limit: int = DEFAULT_LIMIT
    collapse: bool = True


@dataclass(frozen=True, kw_only=True)
class ClassifyRequest(Request[Classification]):
    """Return the most probable classes of a photo."""

    kind = "classify"


@dataclass(frozen=True, kw_only=True)
class EmbedRequest(Request[EmbeddedPhoto]):
    """Return the embedding of a photo."""

    kind = "embed"
