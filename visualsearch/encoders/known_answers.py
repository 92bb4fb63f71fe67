"""Generated pictures with known embeddings, to detect a machine that computes differently.

int8 kernels of some processors overflow, and a model package may be served by another version of
ONNX Runtime than it was measured with. If an index is built on one machine and searched from one
that computes differently, results get worse without any error.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

WIDTH, HEIGHT = 300, 400
LEAST_COSINE = 0.9999
"""Lowest accepted cosine. Exact arithmetic has 0.999999, kernels that overflow 0.97 to 0.99."""
# Wall, cloth and pattern of each picture, as red, green and blue.
COLOURS: list[tuple[tuple[int, int, int], ...]] = [
    ((244, 243, 240), (24, 40, 92), (230, 228, 220)),
    ((120, 86, 58), (196, 32, 40), (250, 214, 60)),
    ((255, 255, 255), (16, 16, 18), (90, 92, 96)),
    ((92, 128, 84), (236, 232, 224), (64, 150, 170)),
]


@dataclass(frozen=True, kw_only=True)
class KnownAnswers:
    """The embeddings that every machine should compute for the first N generated pictures.

    ``embeddings`` (N, dim) float32; ``least_cosine``: lowest accepted cosine of a computed
    embedding with its known one.
    """

    embeddings: Float32
    least_cosine: float = LEAST_COSINE

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> KnownAnswers:
        """Return the known answers in a model.json.

        Raises KeyError for a missing field, ValueError or TypeError for a malformed one.
        """
        rows = [np.frombuffer(base64.b64decode(row), "<f2") for row in stored["embeddings"]]
        if not rows or len(rows) > len(COLOURS):
            raise ValueError(f"known_answers holds {len(rows)} embeddings, not 1…{len(COLOURS)}")
        return cls(
            embeddings=np.stack(rows).astype(np.float32),
            least_cosine=float(stored["least_cosine"]),
        )

    def as_json(self) -> dict[str, Any]:
        """Return JSON values for :meth:`from_json`; embeddings are base64 of float16."""
        rows = [base64.b64encode(row.tobytes()).decode() for row in self.embeddings.astype("<f2")]
        return {"least_cosine": self.least_cosine, "embeddings": rows}

    def lowest_cosine(self, embeddings: Float32) -> float:
        """Return the lowest cosine of computed ``embeddings`` (N, dim) with the known ones."""
        lengths = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(self.embeddings, axis=1)
        return float(((embeddings * self.embeddings).sum(1) / lengths).min())


def pictures(count: int = len(COLOURS)) -> list[Image.Image]:
    """Draw the first ``count`` pictures, RGB, 300 × 400 pixels, identical on every machine."""
    return [picture(number) for number in range(count)]


def picture(number: int) -> Image.Image:
    """Draw the picture with index ``number``, a garment on a wall, in integer arithmetic only."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.int64)
    wall, cloth, pattern = (np.array(colour, np.int64) for colour in COLOURS[number])
    light = 256 - (x * 40 // WIDTH + y * 24 // HEIGHT)
    canvas = wall * light[..., None] // 256
    folds = 232 + triangle(x + y // 5, 37) * 48 // 37
    printed = [
        triangle(y, 26) < 9,
        (x // 18 + y // 18) % 2 == 0,
        (x % 30 - 15) ** 2 + (y % 30 - 15) ** 2 < 40,
        triangle(x * 2 + y, 44) < 12,
    ][number]
    colours = np.where(printed[..., None], pattern, cloth) * folds[..., None] // 256
    canvas = np.where(garment(x, y, number)[..., None], colours, canvas)
    return Image.fromarray(canvas.clip(0, 255).astype(np.uint8), "RGB")


def triangle(value: Int64, period: int) -> Int64:
    """Return a triangle wave with values 0…``period``."""
    return np.abs(value % (2 * period) - period)


def garment(x: Int64, y: Int64, number: int) -> NDArray[np.bool_]:
    """Return a mask of the garment's pixels.

    ``number``: index of the picture; 0 a shirt, 1 a dress, 2 trousers, 3 long sleeves. ``x`` and
    ``y``: pixel coordinates.
    """
    across = np.abs(x - WIDTH // 2)
    body = (y > 70) & (y < 330) & (across < 70)
    neck = (y < 96) & (across < 24)
    sleeves = (y > 70) & (y < 150) & (across < 120) & (across > 60)
    if number == 1:
        return body & (y < 200) & ~neck | (y >= 170) & (y < 350) & (across < 40 + (y - 170) // 2)
    if number == 2:
        return (y > 60) & (y < 370) & (across < 72) & ~((y > 140) & (across < 8 + (y - 140) // 12))
    if number == 3:
        sleeves = (y > 70) & (y < 300) & (across < 118 - (y - 70) // 16) & (across > 78)
        sleeves |= (y > 70) & (y < 120) & (across < 100)
    return (body | sleeves) & ~neck
