"""Searches in vain: those that matched nothing or got no click, by what their photos show."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from ..models import Embedding, Event, KeptPhoto, Query, from_bytes
from ..models.primary import one_session
from ..photos.colour_names import names_in
from .catalog_check import classes_of_products, colours_of_products
from .insights import LIKELY, SAMPLE, Period

UNMATCHED, UNCLICKED, EITHER = "unmatched", "unclicked", "either"
"""Which searches count as in vain."""

INTEREST = (Event.Kind.CLICK, Event.Kind.BASKET, Event.Kind.PURCHASE)
# Newest kept photos that are grouped.
PHOTOS = 500
# Groups of photos, and lines of a table, to show.
MOST = 24
# Least mean cosine of the photos of two groups that become one, as a share of the encoder's match
# threshold. Of 140 photos of ten classes, 83 % of those in a group are of its class.
ALIKE = 0.6


@dataclass(frozen=True, kw_only=True)
class Line:
    """The searches whose photos show a class, a colour, or both; "" if unknown.

    ``vain`` and ``matched``: how many of the ``searches``. ``products``: number of the shop's
    products of the kind, None if unknown.
    """

    label: str | None = None
    colour: str | None = None
    searches: int
    vain: int
    matched: int
    products: int | None


@dataclass(frozen=True, kw_only=True)
class PhotoGroup:
    """Kept photos of one kind, newest first, by the keys of their queries.

    ``label`` and ``colour``: the most frequent ones of the photos, "" if unknown.
    """

    photos: list[UUID]
    label: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class Vain:
    """All figures of the page about searches in vain.

    ``searches`` and ``vain``: how many in the period. ``counted``: the newest searches, at most
    :data:`SAMPLE`, that the tables count. ``has_events``: whether any customer's event is
    known; without, nothing can be said about clicks, and only :data:`UNMATCHED` counts. ``kept``:
    number of photos of searches in vain that may be seen. ``words``: (word, number of searches) of
    words that described no product. ``with_words``: number of searches whose words were kept.
    """

    searches: int
    vain: int
    counted: int
    has_events: bool
    kept: int
    groups: list[PhotoGroup]
    classes: list[Line]
    colours: list[Line]
    pairs: list[Line]
    words: list[tuple[str, int]]
    with_words: int


def searches_in_vain(period: Period, why: str = EITHER, threshold: float = 0.5) -> Vain:
    """Return the figures of a period.

    ``why``: what counts as a search in vain. ``threshold``: the match threshold of the encoder, a
    cosine, by which photos are grouped.
    """
    has_events = period.of(Event, "query__").exists()
    failed = in_vain(why if has_events else UNMATCHED)
    rows = period.of(Query)
    vain = rows.filter(failed)
    photos = vain.filter(
        pk__in=KeptPhoto.objects.filter(expires__gt=timezone.now()).values("pk"),
    )
    seen = kinds_seen(rows, failed)
    shop = Products({label for label, _colour in seen if label})
    unknown_words, with_words = words_in_vain(rows)
    return Vain(
        searches=rows.count(),
        vain=vain.count(),
        counted=sum(each[0] for each in seen.values()),
        has_events=has_events,
        kept=photos.count(),
        groups=photo_groups(photos, threshold),
        classes=lines(seen, shop, by_class=True, by_colour=False),
        colours=lines(seen, shop, by_class=False, by_colour=True),
        pairs=lines(seen, shop, by_class=True, by_colour=True),
        words=unknown_words,
        with_words=with_words,
    )


def in_vain(why: str) -> Q:
    """Return the condition for queries in vain."""
    clicked = Event.objects.filter(query=OuterRef("pk"), kind__in=INTEREST)
    conditions = {UNMATCHED: Q(matched=False), UNCLICKED: ~Q(Exists(clicked))}
    return conditions.get(why, conditions[UNMATCHED] | conditions[UNCLICKED])


# --- classes and colours ---


def kinds_seen(rows: QuerySet[Query], failed: Q) -> dict[tuple[str, str], list[int]]:
    """Return the number of searches, of those in vain, and of matched ones.

    By class and colour of the photo, "" if unknown. Counts the newest :data:`SAMPLE` searches.
    """
    seen: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    vain = rows.filter(failed, pk=OuterRef("pk")).order_by()
    newest = rows.annotate(vain=Exists(vain)).order_by("-created")
    fields = ("predictions", "colour", "vain", "matched")
    with one_session():
        for predictions, colour, failed_one, matched in newest.values_list(*fields)[
            :SAMPLE
        ].iterator(chunk_size=2000):
            counts = seen[class_of(predictions), colour]
            counts[0] += 1
            counts[1] += failed_one
            counts[2] += matched
    return seen


def class_of(predictions: Sequence[dict[str, Any]]) -> str:
    """Return the most probable class, "" if it is less probable than :data:`LIKELY`."""
    likely = predictions and predictions[0]["probability"] >= LIKELY
    return str(predictions[0]["label"]) if likely else ""


class Products:
    """The keys of the shop's products of each class and colour.

    ``classes``: by the shop's own filter, None if the shop has none of the classes. ``colours``: by
    the shop's facet of colours, and by the pictures of products of which it names none.
    """

    def __init__(self, labels: Iterable[str]):
        self.classes = classes_of_products(sorted(labels)) or None
        self.colours = colours_in_shop()

    def count(self, label: str | None, colour: str | None) -> int | None:
        """Return the number of products of a class and colour; None for "", or if unknown."""
        if "" in (label, colour):
            return None
        if label is None:
            return len(self.colours.get(colour or "", ())) if self.colours else None
        if self.classes is None:
            return None
        keys = self.classes.get(label, set())
        if colour is None:
            return len(keys)
        return len(keys & self.colours.get(colour, set())) if self.colours else None


def colours_in_shop() -> dict[str, set[str]]:
    """Return the keys of the products of each colour; {} if no colour is known."""
    found: dict[str, set[str]] = defaultdict(set)
    said = colours_of_products() or {}
    for key, text in said.items():
        for name in names_in(text):
            found[name].add(key)
    named = {key for keys in found.values() for key in keys}
    rows = Embedding.objects.searchable().exclude(traits__isnull=True).order_by("pk")
    for key, colour in rows.values_list("item", "traits__colour"):
        if colour and key not in named:
            named.add(key)
            found[colour].add(key)
    return dict(found)


def lines(
    seen: dict[tuple[str, str], list[int]], shop: Products, *, by_class: bool, by_colour: bool
) -> list[Line]:
    """Return a line for each kind with searches in vain, most of these first.

    With both, kinds of which the class or the colour is unknown are left out.
    """
    sums: dict[tuple[str | None, str | None], list[int]] = defaultdict(lambda: [0, 0, 0])
    for (label, colour), counts in seen.items():
        if not (by_class and by_colour and "" in (label, colour)):
            kind = (label if by_class else None, colour if by_colour else None)
            sums[kind] = [a + b for a, b in zip(sums[kind], counts, strict=True)]
    found = [
        Line(
            label=label,
            colour=colour,
            searches=searches,
            vain=vain,
            matched=matched,
            products=shop.count(label, colour),
        )
        for (label, colour), (searches, vain, matched) in sums.items()
        if vain
    ]
    return sorted(found, key=lambda line: (-line.vain, line.label or "", line.colour or ""))


# --- photos ---


def photo_groups(photos: QuerySet[Query], threshold: float) -> list[PhotoGroup]:
    """Return the newest kept photos grouped by likeness, the largest group first.

    Photos of two encoders are never in one group.
    """
    fields = ("pk", "encoder", "vector", "predictions", "colour")
    newest = list(photos.order_by("-created").values_list(*fields)[:PHOTOS])
    by_encoder: dict[str, list[Any]] = defaultdict(list)
    for row in newest:
        by_encoder[row[1] if row[2] else str(row[0])].append(row)
    found = []
    for rows in by_encoder.values():
        vectors = [from_bytes(row[2]) if row[2] else np.ones(1, np.float32) for row in rows]
        for places in alike(np.stack(vectors), ALIKE * threshold):
            some = [rows[place] for place in places]
            found.append(
                PhotoGroup(
                    photos=[row[0] for row in some],
                    label=most_common(class_of(row[3]) for row in some),
                    colour=most_common(row[4] for row in some),
                )
            )
    return sorted(found, key=lambda group: -len(group.photos))


def alike(vectors: NDArray[np.float32], least: float) -> list[list[int]]:
    """Group vectors (n, dim) of length 1; return the places of each group, in ascending order.

    Average linkage: the two groups with the highest mean cosine become one, while it is at least
    ``least``.
    """
    groups = [[place] for place in range(len(vectors))]
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    while True:
        one, other = divmod(int(cosines.argmax()), len(vectors))
        if cosines[one, other] < least:
            return [sorted(group) for group in groups if group]
        a, b = len(groups[one]), len(groups[other])
        mean = (a * cosines[one] + b * cosines[other]) / (a + b)
        cosines[one] = cosines[:, one] = mean
        cosines[other] = cosines[:, other] = cosines[one, one] = -2
        groups[one] += groups[other]
        groups[other] = []


def most_common(values: Iterable[str]) -> str:
    """Return the most frequent value that is not "", and "" without one."""
    counts = Counter(value for value in values if value)
    return counts.most_common(1)[0][0] if counts else ""


# --- words ---


def words_in_vain(rows: QuerySet[Query]) -> tuple[list[tuple[str, int]], int]:
    """Return the words that described no product, most frequent first, and the searches with words.

    Each word with its number of searches. Counts the newest :data:`SAMPLE` searches with words.
    """
    counts: Counter[str] = Counter()
    searches = 0
    newest = rows.exclude(words__isnull=True).order_by("-created").values_list("words", flat=True)
    with one_session():
        for words in newest[:SAMPLE].iterator(chunk_size=2000):
            searches += 1
            counts.update(word for word, understood in (words or {}).items() if not understood)
    return sorted(counts.items(), key=lambda each: (-each[1], each[0])), searches
