"""Mend what no signal told: items that differ by name, and files overwritten under their names."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from .. import conf
from ..catalogs import catalog
from ..encoders.base import Encoder
from ..exceptions import IndexNotReady
from ..models import Embedding, Repair, Run
from ..serving import version_encoders
from ..versions import lifecycle
from . import runs
from .catalog_images import image_files
from .embeddings import refresh_items

# Items to compare with their rows at a time.
COMPARED = 500


def repair(contents: int | None = None) -> Repair | None:
    """Find and mend differences between the current catalog and its embeddings; store the result.

    All items are compared by the names of their images. Of the images, the ``contents`` that were
    compared longest ago are read and hashed, by default ``REPAIR_CONTENTS``. Returns None while a
    run is open, because it does the same. Raises IndexNotReady if nothing was ever indexed,
    ModelUnavailable if the model cannot be loaded.
    """
    if lifecycle.active_version() is None:
        raise IndexNotReady
    if Run.objects.filter(open=True).exists():
        return None
    encoder = version_encoders.active_encoder()
    differing = list(items_that_differ(encoder))
    by_name = refresh_items(differing)
    oldest = longest_unread(encoder, conf.get("REPAIR_CONTENTS") if contents is None else contents)
    items = {item for _pk, item in oldest}
    by_content = refresh_items(items)
    Embedding.objects.filter(item__in=items).update(checked=timezone.now())
    found, _new = Repair.objects.update_or_create(
        defaults={
            "finished": timezone.now(),
            "items": len(differing),
            "hashed": sum(by_content.values()),
            "overwritten": by_content["encoded"],
            "failed": by_name["failed"] + by_content["failed"],
        }
    )
    return found


def request_run_after_upgrade() -> Run | None:
    """Request a run if images were decoded by the rules of an earlier release; None if none was.

    The run encodes these images again, and no others. The caller starts it. Returns None if another
    run is open.
    """
    version = lifecycle.active_version()
    rows = Embedding.objects.filter(encoder=version.encoder if version else "").outdated()
    if not rows.exists():
        return None
    run, new = runs.request(Run.Scope.ALL, by="upgrade")
    return run if new else None


def items_that_differ(encoder: Encoder) -> Iterator[str]:
    """Yield the keys of the items whose images and rows have different names.

    They are items with new or lost images, and items with rows that are no longer visible.
    """
    rows = Embedding.objects.filter(encoder=encoder.id, removed=False)
    source, last = catalog(), ""
    while keys := source.keys_between(last, limit=COMPARED):
        stored = set(rows.filter(item__in=keys).values_list("item", "image"))
        different = {item for item, _name in stored ^ image_files(keys).keys()}
        yield from sorted(different)
        last = keys[-1]
    items, last = rows.order_by("item").values_list("item", flat=True).distinct(), ""
    while keys := list(items.filter(item__gt=last)[:COMPARED]):
        visible = source.keys_visible(keys)
        yield from (key for key in keys if key not in visible)
        last = keys[-1]


def longest_unread(encoder: Encoder, count: int) -> list[tuple[int, str]]:
    """Return (primary key, item) of the ``count`` rows whose images were read longest ago."""
    rows = Embedding.objects.filter(encoder=encoder.id, removed=False).order_by("checked", "pk")
    return list(rows.values_list("pk", "item")[:count])
