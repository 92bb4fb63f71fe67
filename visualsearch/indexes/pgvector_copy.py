"""Rows of ids and vectors in PostgreSQL's binary COPY format, and vectors as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Float32, Ids


def copied(ids: Ids, vectors: Float32) -> bytes:
    """Return rows of ids (N,) and vectors (N, dim) in PostgreSQL's binary COPY format.

    Each value follows its length, big endian.
    """
    dim = vectors.shape[1]
    rows = np.zeros(len(ids), binary_row(dim))
    rows["values"], rows["id_size"], rows["id"] = 2, 8, ids
    rows["vector_size"], rows["dim"], rows["vector"] = 4 + 2 * dim, dim, vectors
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def binary_row(dim: int) -> np.dtype[Any]:
    """Return the type of a row of an id and a vector in PostgreSQL's binary COPY format."""
    return np.dtype(
        [
            ("values", ">i2"),
            ("id_size", ">i4"),
            ("id", ">i8"),
            ("vector_size", ">i4"),
            ("dim", ">i2"),
            ("unused", ">i2"),
            ("vector", ">f2", (dim,)),
        ]
    )


def whole_rows(parts: list[bytes], row: np.dtype[Any]) -> Iterator[tuple[Ids, NDArray[np.float16]]]:
    """Yield ids (N,) and vectors (N, dim) of the whole rows in ``parts``; leave the rest there."""
    text = b"".join(parts)
    rows = np.frombuffer(text, row, len(text) // row.itemsize)
    parts[:] = [text[rows.nbytes :]]
    yield rows["id"].astype(np.int64), rows["vector"].astype(np.float16)


def as_text(vector: Float32) -> str:
    """Return a vector in pgvector's text format."""
    return "[" + ",".join(map(str, vector.tolist())) + "]"
