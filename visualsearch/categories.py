"""What a model calls a photo, and the shop's categories: two sets of words for the same things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .catalogs import catalog

AUTO = "auto"
"""As the filter ``category``: the class of the photo, where that is sure."""

CATEGORY = "category"
SURE = 0.95


def decide(filters: Mapping[str, str], predictions: Sequence[Any]) -> tuple[dict[str, str], bool]:
    """The filters with the photo's class for ``auto``, or without; and whether it was put there."""
    decided = dict(filters)
    if decided.get(CATEGORY) != AUTO:
        return decided, False
    del decided[CATEGORY]
    best = predictions[0] if predictions else None
    if best is None or best.probability < SURE or not catalog().categories([best.label]):
        return decided, False
    return decided | {CATEGORY: best.label}, True


def without(filters: Mapping[str, str]) -> dict[str, str]:
    """The filters without a category."""
    return {name: value for name, value in filters.items() if name != CATEGORY}
