"""Fit the embeddings of one model to one catalog.

What all pictures of a catalog have in common tells no two of them apart. So each part of an
embedding is centred on the catalog's mean and brought to unit length again. Scores fall by that,
and the threshold of a match is translated.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..encoders.parts import Part, parts_from_json
from .base import Float32

Shares = Mapping[str, float]

# Fewer vectors have no mean worth subtracting.
LEAST = 50
# Rows that are transformed together: 13 MB of 335 numbers each.
ROWS = 10_000
# A part that is shorter has no direction.
ZERO = 1e-6

# Raw and fitted scores are compared for so many made-up photos among so many vectors.
PHOTOS, VECTORS = 2000, 10_000


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A transform of embeddings that was learned from the vectors of a catalog.

    ``parts``: with their shares of the fitted similarity; ``mean``: (d,) float32, of the unit
    vectors of each part; ``threshold``: fitted score that stands for the encoder's
    ``match_threshold``; ``images``: number of vectors in the catalog.
    """

    parts: tuple[Part, ...]
    mean: Float32 = field(repr=False)
    threshold: float
    images: int

    @property
    def shares(self) -> dict[str, float]:
        """Return the share of the fitted similarity by the name of a part."""
        return {part.name: part.share for part in self.parts}

    @cached_property
    def layout(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the start of each part, and the part of each number (d,)."""
        return layout_of(self.parts)

    @cached_property
    def weights(self) -> Float32:
        """Return the factor of each number (d,): the square root of its part's share."""
        roots = np.sqrt(np.array([part.share for part in self.parts], np.float32))
        return roots[self.layout[1]]

    def apply(self, vectors: Float32) -> Float32:
        """Transform vectors (N, d) or (d,) float32; L2-normalised unless a part has no direction.

        A part without a direction stays zero, and so does its contribution to a score.
        """
        if vectors.ndim == 1:
            return self.directions(vectors[None])[0] * self.weights
        found = self.directions(vectors)
        found *= self.weights
        return found

    def directions(self, vectors: Float32) -> Float32:
        """Return vectors (N, d) with each part centred and of unit length."""
        found = np.empty((len(vectors), len(self.mean)), np.float32)
        starts, owner = self.layout
        for rows in in_steps(len(vectors)):
            inverse = inverse_lengths(vectors[rows], starts)
            found[rows] = vectors[rows] * inverse[:, owner] - self.mean
            # A part that was zero is now the opposite of the mean, and becomes zero again.
            found[rows] *= (inverse_lengths(found[rows], starts) * (inverse > 0))[:, owner]
        return found

    def to_json(self) -> dict[str, Any]:
        """Describe the fit in plain JSON values; the mean is base64 of little-endian float32."""
        return {
            "parts": [vars(part) for part in self.parts],
            "mean": base64.b64encode(self.mean.astype("<f4").tobytes()).decode(),
            "threshold": self.threshold,
            "images": self.images,
        }

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote; other keys are ignored."""
        mean = np.frombuffer(base64.b64decode(described["mean"]), "<f4").astype(np.float32)
        return cls(
            parts=parts_from_json(described["parts"], len(mean)),
            mean=mean,
            threshold=described["threshold"],
            images=described["images"],
        )


def fit(
    vectors: Float32,
    parts: Sequence[Part],
    threshold: float,
    shares: Shares | None = None,
    images: int | None = None,
) -> Fit:
    """Learn a transform from the vectors of a catalog (N, d), which are enough at :data:`LEAST`.

    ``threshold``: of raw scores; ``shares``: by the name of a part, else
    :func:`choose_shares`; ``images``: vectors in the catalog, where ``vectors`` is a sample.
    """
    shares = choose_shares(vectors, parts) if shares is None else shares
    made = Fit(
        parts=tuple(replace(part, share=shares[part.name]) for part in parts),
        mean=mean_of(vectors, parts),
        threshold=threshold,
        images=len(vectors) if images is None else images,
    )
    return replace(made, threshold=translate(made, vectors, threshold))


def choose_shares(vectors: Float32, parts: Sequence[Part]) -> dict[str, float]:
    """Choose the share of each part from a catalog's vectors (N, d) alone, without labels.

    Returns shares that add up to 1, by the name of a part: for now the parts' own.
    """
    return {part.name: part.share for part in parts}


def mean_of(vectors: Float32, parts: Sequence[Part]) -> Float32:
    """Return the mean (d,) of vectors whose parts are brought to unit length first."""
    total = np.zeros(vectors.shape[1], np.float64)
    starts, owner = layout_of(parts)
    for rows in in_steps(len(vectors)):
        units = vectors[rows] * inverse_lengths(vectors[rows], starts)[:, owner]
        total += units.sum(0, dtype=np.float64)
    return (total / max(1, len(vectors))).astype(np.float32)


def translate(fitted: Fit, vectors: Float32, threshold: float) -> float:
    """Return the fitted score that as many photos reach as reach ``threshold`` with raw scores."""
    raw, now = best_scores(fitted, vectors)
    return float(np.quantile(now, (raw < threshold).mean()))


def best_scores(fitted: Fit, vectors: Float32) -> tuple[Float32, Float32]:
    """Return the best raw and the best fitted score of photos that are made up of a catalog.

    Pairs of catalog vectors would say something else: in a catalog of few kinds of things all
    pairs score higher than a customer's photo of something else, whose score the threshold judges.
    So each photo is a vector of the catalog, blended with something that is not in it.
    """
    rng = np.random.default_rng(0)
    # In the order of memory, which is read several times faster.
    rows = vectors[np.sort(rng.permutation(len(vectors))[:VECTORS])]
    rows_now = fitted.apply(rows)
    raw, now = [], []
    for _ in range(0, PHOTOS, 200):
        photos = blend(rows[rng.integers(0, len(rows), 200)], fitted.parts, rng)
        raw.append((photos @ rows.T).max(1))
        now.append((fitted.apply(photos) @ rows_now.T).max(1))
    return np.concatenate(raw), np.concatenate(now)


def blend(vectors: Float32, parts: Sequence[Part], rng: np.random.Generator) -> Float32:
    """Turn each part of vectors (N, d) by chance towards any direction, by up to 90 degrees.

    A part keeps its length.
    """
    starts, owner = layout_of(parts)
    noise = rng.standard_normal(vectors.shape, dtype=np.float32)
    noise *= inverse_lengths(noise, starts)[:, owner]
    inverse = inverse_lengths(vectors, starts)
    kept = rng.random(inverse.shape, dtype=np.float32)
    blended = vectors * (inverse * kept)[:, owner] + noise * np.sqrt(1 - kept**2)[:, owner]
    lengths = np.divide(1, inverse, out=np.zeros_like(inverse), where=inverse > 0)
    return blended * (inverse_lengths(blended, starts) * lengths)[:, owner]


def distance(fitted: Fit, vectors: Float32) -> float:
    """Return how far the mean of vectors (N, d) lies from a fit's, 0…2, weighted by the shares."""
    moved = mean_of(vectors, fitted.parts) - fitted.mean
    return float(np.linalg.norm(moved * fitted.weights))


def layout_of(parts: Sequence[Part]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the start of each part, and the part of each number of an embedding (d,)."""
    sizes = np.array([part.size for part in parts], np.int64)
    return np.cumsum(sizes) - sizes, np.repeat(np.arange(len(parts)), sizes)


def in_steps(count: int) -> Iterator[slice]:
    """Yield the rows that are transformed together."""
    for start in range(0, count, ROWS):
        yield slice(start, start + ROWS)


def inverse_lengths(vectors: Float32, starts: NDArray[np.int64]) -> Float32:
    """Return 1 / length of each part of vectors (N, d), as (N, parts); 0 without a direction."""
    lengths = np.sqrt(np.add.reduceat(vectors * vectors, starts, axis=1))
    inverse: Float32 = np.zeros_like(lengths)
    return np.divide(1, lengths, out=inverse, where=lengths > ZERO)
