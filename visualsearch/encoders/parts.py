"""The parts of an embedding: each is a unit vector times the square root of its weight."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of an embedding: ``size`` numbers, whose similarity has the weight ``share``.

    The similarity of two embeddings is the weighted sum of their parts' similarities; weights are
    0…1 and add up to 1.
    """

    name: str
    size: int
    share: float


def whole(dim: int) -> tuple[Part, ...]:
    """Return a single part that is the whole embedding of ``dim`` numbers."""
    return (Part(name="embedding", size=dim, share=1.0),)


def parts_from_json(described: Iterable[dict[str, Any]], dim: int) -> tuple[Part, ...]:
    """Return the parts that JSON describes, as a list of ``name``, ``size`` and ``share``.

    Raises ValueError unless names are unique, sizes add up to ``dim``, and shares to 1.
    """
    parts = tuple(Part(**each) for each in described)
    if len({part.name for part in parts}) != len(parts):
        raise ValueError("two parts have the same name")
    if any(type(part.size) is not int or part.size < 1 for part in parts):
        raise ValueError("the size of a part must be a whole number of at least 1")
    if any(not 0 <= part.share <= 1 for part in parts):
        raise ValueError("the share of a part must be between 0 and 1")
    if sum(part.size for part in parts) != dim:
        raise ValueError(f"the sizes of the parts do not add up to {dim}")
    if not math.isclose(sum(part.share for part in parts), 1, abs_tol=1e-5):
        raise ValueError("the shares of the parts do not add up to 1")
    return parts
