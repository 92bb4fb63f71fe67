"""Map the classes that a model predicts to the shop's categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..catalogs import catalog

AUTO = "auto"
"""Value of the filter ``category`` that stands for the photo's class, if it is certain."""

CATEGORY = "category"
# Least probability to apply a class. At .95 it is right for 99 % of photos that show little else,
# for 95 % where the garment fills 40 % of a busy scene, and for all of 55 garments on people. A
# wrong class hides what the customer is looking for.
SURE = 0.95


def apply_auto(
    filters: Mapping[str, str], predictions: Sequence[Any]
) -> tuple[dict[str, str], bool]:
    """Replace ``category=auto`` by the most probable class, or remove the filter.

    It is removed if the class is less probable than :data:`SURE` or the shop has no category for
    it. Returns the filters, and whether a class was applied. ``predictions``: objects with
    ``label`` and ``probability``, best first.
    """
    decided = dict(filters)
    if decided.get(CATEGORY) != AUTO:
        return decided, False
    del decided[CATEGORY]
    best = predictions[0] if predictions else None
    if best is None or best.probability < SURE or not catalog().categories([best.label]):
        return decided, False
    return decided | {CATEGORY: best.label}, True


def without_category(filters: Mapping[str, str]) -> dict[str, str]:
    """Return the filters without ``category``."""
    return {name: value for name, value in filters.items() if name != CATEGORY}
