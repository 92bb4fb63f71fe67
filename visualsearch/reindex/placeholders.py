"""Find the pictures that stand for a missing one, such as “no image yet”, by how many share them.

Their embeddings are kept, so that nothing is encoded again if a person wants them searched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db.models import Count, Min
from django.utils import timezone

from ..catalogs import catalog
from ..encoders.base import Encoder
from ..models import Embedding, RepeatedPicture, Revision
from ..models.primary import atomic
from ..serving import loaded_versions
from ..versions import lifecycle

logger = logging.getLogger(__name__)

# A picture is a placeholder if so many products have it: this share of them, within these bounds.
# The variants of one style share a picture, too, but they are few.
SHARE, LEAST, MOST = 0.01, 10, 100


def is_placeholder(items: int, of: int) -> bool:
    """Return whether a picture of ``items`` products is a placeholder, ``of`` all products."""
    return items >= max(LEAST, min(MOST, SHARE * of))


def leave_out(encoder: Encoder, hashes: Iterable[str], revision: int) -> None:
    """Leave the placeholders out of searches among the files with these SHA-256 hashes.

    Call it in the transaction that wrote rows with these hashes under ``revision``. A file that is
    already known for a placeholder, or that a person wants searched, is not counted again.
    """
    hashes = set(hashes) - {""}
    known = dict(
        RepeatedPicture.objects.filter(content_hash__in=hashes).values_list(
            "content_hash", "wanted"
        )
    )
    unwanted = {digest for digest, wanted in known.items() if not wanted}
    unwanted |= found_among(encoder, hashes - known.keys())
    if unwanted:
        rows = Embedding.objects.filter(content_hash__in=unwanted, left_out=False)
        rows.update(left_out=True, revision=revision, updated=timezone.now())


def found_among(encoder: Encoder, hashes: Iterable[str] | None) -> set[str]:
    """Store and return the hashes of new placeholders; ``hashes``: those to look at, None: all."""
    rows = Embedding.objects.filter(encoder=encoder.id, removed=False, error="")
    if hashes is not None:
        rows = rows.filter(content_hash__in=hashes)
    counted = rows.order_by().values("content_hash").exclude(content_hash="")
    counts = counted.annotate(n=Count("item", distinct=True), name=Min("image"))
    often = list(counts.filter(n__gte=LEAST).values_list("content_hash", "n", "name"))
    if not often:
        return set()
    # Not the rows: at the beginning of the first run there are only a few.
    of = catalog().count_visible()
    found = set()
    for digest, items, name in often:
        if is_placeholder(items, of):
            _row, new = RepeatedPicture.objects.update_or_create(
                content_hash=digest, defaults={"image": name, "items": items}
            )
            found.add(digest)
            if not new:
                continue
            logger.warning(
                "The picture %s of %s products is taken for a placeholder, so searches do not find"
                " it. If they should, say so in the admin, under Catalog check.",
                name,
                items,
            )
    return found


def leave_out_all(encoder: Encoder) -> None:
    """Leave out all placeholders among the stored rows, as of an installation that had none yet."""
    known = set(RepeatedPicture.objects.values_list("content_hash", flat=True))
    with atomic():
        Revision.hold()
        new = found_among(encoder, None) - known
        if new:
            leave_out(encoder, new, Revision.take())
            loaded_versions.push_changes(encoder, transactional=True)
    if new:
        loaded_versions.push_changes(encoder, transactional=False)


def decide(picture: RepeatedPicture, *, wanted: bool) -> int:
    """Let searches find a repeated picture, or not; return the number of products concerned.

    Nothing is encoded. The next search knows.
    """
    encoders = lifecycle.encoders_to_keep_current()
    with atomic():
        Revision.hold()
        picture.wanted = wanted
        picture.save(update_fields=["wanted"])
        rows = Embedding.objects.filter(content_hash=picture.content_hash)
        items = rows.filter(removed=False).values("item").distinct().count()
        rows.update(left_out=not wanted, revision=Revision.take(), updated=timezone.now())
        for encoder in encoders:
            loaded_versions.push_changes(encoder, transactional=True)
    for encoder in encoders:
        loaded_versions.push_changes(encoder, transactional=False)
    return items
