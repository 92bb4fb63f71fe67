"""Split a sequence into slices (``itertools.batched`` came with Python 3.12)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

# Databases limit the parameters of one query; 32,766 is the lowest limit of those in use.
MAX_PARAMETERS = 10_000


def batched(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield slices of at most ``size`` values, in order."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
