"""Check a catalog for products whose pictures are missing, poor, repeated, or do not fit the data.

The findings are rows of :class:`~visualsearch.models.catalog_check.Finding`; each check replaces
those of the one before.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

import numpy as np
from django.core.exceptions import ValidationError
from django.utils import timezone
from numpy.typing import NDArray

from .. import conf
from ..batched import MAX_PARAMETERS, batched
from ..catalogs import catalog
from ..encoders.base import Encoder
from ..exceptions import VisualSearchError
from ..models import CatalogCheck, Embedding, Finding, Query, from_bytes
from ..models.primary import atomic, one_session
from ..photos.colour_names import are_near, names_in
from ..serving import loaded_versions
from ..serving.live_index import LiveIndex
from .picture_traits import note_missing

logger = logging.getLogger(__name__)
Kind = Finding.Kind

# Brightness of a blank picture deviates less than this; a tiny one has fewer pixels on a side.
BLANK, TINY = 3.0, 120
# Least cosine of raw embeddings of nearly the same picture. A copy of lower quality, half the size,
# mirrored or cropped by 5 % has .96 or more; the most similar pictures of two products .88.
SAME = 0.95
# Pictures to compare each with.
NEIGHBOURS = 4
# Pictures whose neighbours are looked for together.
BATCH = 1000
# Least probability of a class, and least share of a colour, that may contradict the catalog.
SURE, MOSTLY = 0.9, 0.6
# Least share of a colour that is suggested as a tag.
SUGGESTED = 0.5
# Newest searches to look for products that were shown.
SEARCHES = 200_000
COLOUR_FACETS = ("color", "colour")


class Picture(NamedTuple):
    """A picture on sale, with what was noted of it; ``left_out``: whether it is a placeholder."""

    pk: int
    item: str
    image: str
    left_out: bool
    traits: dict[str, Any]


@dataclass
class Facts:
    """Data about the catalog that several checks use.

    ``keys``: of all products on sale. ``main``: the first picture of each product that searches
    find and that is not blank, by key. ``in_class``: products of each class that the shop sells, by
    its own filter. ``colours``: value of the shop's colour field by key, None without such a facet.
    """

    keys: list[str]
    pictures: list[Picture]
    main: dict[str, Picture]
    in_class: dict[str, set[str]]
    colours: dict[str, str] | None


def check() -> CatalogCheck:
    """Check the current catalog, and return the row of the check.

    Does nothing while another process checks it. An error is stored in the row; one that is not
    about the search is raised, too.
    """
    row = begin()
    if row is None:
        return CatalogCheck.objects.get()

    def progress() -> None:
        CatalogCheck.objects.filter(pk=row.pk).update(heartbeat=timezone.now())

    try:
        live = loaded_versions.current()
        note_missing(live.encoder, progress)
        facts = gather(live.encoder)
        findings = []
        for part in PARTS:
            findings += list(part(facts))
            progress()
        findings += list(duplicates(facts, live, progress))
        store(findings)
        row.products, row.error = len(facts.keys), ""
    except Exception as error:
        row.error = str(error)[:300] or type(error).__name__
        if not isinstance(error, VisualSearchError):
            raise
    finally:
        row.finished = timezone.now()
        row.save()
    return row


def begin() -> CatalogCheck | None:
    """Return the row of a new check; None while another process, which is alive, checks."""
    with atomic():
        row, _new = CatalogCheck.objects.get_or_create(defaults={"finished": timezone.now()})
        row = CatalogCheck.objects.select_for_update().get(pk=row.pk)
        silent = timezone.now() - timedelta(seconds=conf.get("RUN_TIMEOUT"))
        if row.finished is None and row.heartbeat > silent:
            return None
        row.started = row.heartbeat = timezone.now()
        row.finished = None
        row.save()
    return row


def store(findings: Sequence[Finding]) -> None:
    """Replace the findings of the check before; accepted tags stay and are not suggested again."""
    accepted = Finding.objects.filter(accepted=True).values_list("item", "tag", "seen")
    known = set(accepted)
    new = [each for each in findings if (each.item, each.tag, each.seen) not in known]
    with atomic():
        Finding.objects.filter(accepted=False).delete()
        Finding.objects.bulk_create(new, batch_size=500)


def gather(encoder: Encoder) -> Facts:
    """Read what the parts of a check need."""
    rows = Embedding.objects.filter(encoder=encoder.id, removed=False, error="").order_by("pk")
    fields = ("pk", "item", "image", "left_out", "traits")
    pictures = [
        Picture(pk, item, image, left_out, traits or {})
        for pk, item, image, left_out, traits in rows.values_list(*fields)
    ]
    main: dict[str, Picture] = {}
    for picture in pictures:
        if not picture.left_out and picture.traits.get("contrast", BLANK) >= BLANK:
            main.setdefault(picture.item, picture)
    return Facts(
        keys=catalog().visible_keys(),
        pictures=pictures,
        main=main,
        in_class=classes_of_products(encoder.labels),
        colours=colours_of_products(),
    )


def classes_of_products(labels: Sequence[str]) -> dict[str, set[str]]:
    """Return the keys of the products in each class that the shop sells, by its own filter."""
    source = catalog()
    found = {}
    for label in sorted(source.categories(labels)):
        try:
            keys = source.filtered_keys({"category": label})
        except ValidationError:
            continue
        if keys is not None:
            found[label] = set(keys.values_list("key_as_text", flat=True))
    return found


def colours_of_products() -> dict[str, str] | None:
    """Return the colour of each product as the shop's facet of colours says; None without one."""
    source = catalog()
    facet = next((each for each in source.facets if each.name in COLOUR_FACETS), None)
    if facet is None:
        return None
    rows = source.keys_as_text(source.visible())
    pairs = rows.values_list("key_as_text", facet.field or facet.name)
    return {key: str(colour or "") for key, colour in pairs}


def poor_pictures(facts: Facts) -> Iterator[Finding]:
    """Yield blank and tiny pictures; a placeholder is neither."""
    for each in facts.pictures:
        if each.left_out or "contrast" not in each.traits:
            continue
        if each.traits["contrast"] < BLANK:
            yield Finding(kind=Kind.BLANK, item=each.item, image=each.image)
        elif each.traits["side"] < TINY:
            seen = f"{each.traits['side']} px"
            yield Finding(kind=Kind.TINY, item=each.item, image=each.image, seen=seen)


def without_picture(facts: Facts) -> Iterator[Finding]:
    """Yield the products that have no picture at all, not even one that failed."""
    some = set(Embedding.objects.filter(removed=False).values_list("item", flat=True))
    for key in facts.keys:
        if key not in some:
            yield Finding(kind=Kind.NO_PICTURE, item=key)


def other_classes(facts: Facts) -> Iterator[Finding]:
    """Yield products whose picture shows a class of the shop that is not theirs, and class tags.

    A product in no class gets a suggestion.
    """
    own: dict[str, list[str]] = defaultdict(list)
    for sold, keys in facts.in_class.items():
        for key in keys:
            own[key].append(sold)
    for key, picture in facts.main.items():
        label: str = picture.traits.get("label", "")
        sure: float = picture.traits.get("probability", 0.0)
        if not label or sure < SURE:
            continue
        if not own[key]:
            yield suggestion(picture, "class", label, sure)
        elif label in facts.in_class and label not in own[key]:
            yield Finding(
                kind=Kind.CLASS,
                item=key,
                image=picture.image,
                expected=", ".join(own[key]),
                seen=label,
                confidence=sure,
            )


def other_colours(facts: Facts) -> Iterator[Finding]:
    """Yield products whose picture shows another colour than the shop says, and colour tags.

    Colours that are easily confused do not contradict each other. A product without a colour gets
    a suggestion; in a shop without a facet of colours, each product if the shop accepts tags.
    """
    if facts.colours is None and not catalog().takes_tags:
        return
    for key, picture in facts.main.items():
        colour, share = picture.traits.get("colour"), picture.traits.get("share", 0.0)
        if colour is None:
            continue
        given = (facts.colours or {}).get(key, "")
        names = names_in(given)
        if not given:
            if share >= SUGGESTED:
                yield suggestion(picture, "colour", colour, share)
        elif names and share >= MOSTLY and not any(are_near(colour, name) for name in names):
            yield Finding(
                kind=Kind.COLOUR,
                item=key,
                image=picture.image,
                expected=given,
                seen=colour,
                confidence=share,
            )


def suggestion(picture: Picture, tag: str, value: str, confidence: float) -> Finding:
    """Return the suggestion of a tag, "class" or "colour", for a product."""
    return Finding(
        kind=Kind.TAGS,
        item=picture.item,
        image=picture.image,
        tag=tag,
        seen=value,
        confidence=confidence,
    )


def never_shown(facts: Facts) -> Iterator[Finding]:
    """Yield the products that could be found and were never shown; none without any search."""
    shown: set[str] = set()
    newest = Query.objects.order_by("-created").values_list("shown", flat=True)[:SEARCHES]
    with one_session():
        for ranks in newest.iterator(chunk_size=1000):
            shown.update(ranks)
    if shown:
        for key in facts.main:
            if key not in shown:
                yield Finding(kind=Kind.NEVER_SHOWN, item=key, image=facts.main[key].image)


PARTS: list[Callable[[Facts], Iterable[Finding]]] = [
    poor_pictures,
    without_picture,
    other_classes,
    other_colours,
    never_shown,
]


def duplicates(facts: Facts, live: LiveIndex, progress: Callable[[], object]) -> Iterator[Finding]:
    """Yield each two products with nearly the same picture once, by the raw embeddings."""
    pictures = {each.pk: each for each in facts.pictures if not each.left_out}
    seen: set[frozenset[str]] = set()
    for some in batched(list(pictures), BATCH):
        vectors = vectors_of(some)
        near = {pk: neighbours(live, vector, pictures, pk) for pk, vector in vectors.items()}
        others = {each for pks in near.values() for each in pks} - vectors.keys()
        for each in batched(sorted(others), MAX_PARAMETERS):
            vectors |= vectors_of(each)
        for pk, pks in near.items():
            for other in pks:
                cosine = float(np.dot(vectors[pk], vectors[other]))
                pair = frozenset((pictures[pk].item, pictures[other].item))
                if cosine >= SAME and pair not in seen:
                    seen.add(pair)
                    yield Finding(
                        kind=Kind.DUPLICATE,
                        item=pictures[pk].item,
                        image=pictures[pk].image,
                        other=pictures[other].item,
                        confidence=min(1.0, cosine),
                    )
        progress()


def neighbours(
    live: LiveIndex, vector: NDArray[np.float32], pictures: dict[int, Picture], pk: int
) -> list[int]:
    """Return the most similar pictures of other products, by primary key of their rows.

    ``vector`` (dim,): that of the picture ``pk``; ``pictures``: those to choose from.
    """
    ids, _scores = live.search(vector, NEIGHBOURS + 1)
    item = pictures[pk].item
    return [each for each in ids.tolist() if each in pictures and pictures[each].item != item]


def vectors_of(pks: Sequence[int]) -> dict[int, NDArray[np.float32]]:
    """Return the stored embeddings (dim,) by primary key of their rows."""
    rows = Embedding.objects.filter(pk__in=pks).values_list("pk", "vector") if pks else []
    return {pk: from_bytes(vector) for pk, vector in rows}
