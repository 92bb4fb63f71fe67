"""Fit the embeddings of one model to one catalog.

Features that all pictures of a catalog share do not help to tell them apart. So each part of an
embedding is centred on the catalog's mean and normalised to unit length again. The share of a part
is its weight, 0…1, in the similarity of two embeddings.
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

# Least number of vectors whose mean is worth subtracting.
LEAST = 50
# Rows per step of a transform: 13 MB with 335 numbers each.
ROWS = 10_000
# Length below which a part has no direction.
ZERO = 1e-6

# Mutual information of picture and class, as a share of its maximum, above which the class part
# gets a share; and the largest share that it gets.
UNKNOWN, MOST_CLASS = 0.43, 0.3
# Length of the features' mean above which features get a smaller share than the most, and from
# which they get the least.
VARIED, NARROW = 0.6, 0.7
MOST_FEATURES, LEAST_FEATURES = 0.8, 0.5


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A transform of embeddings that was learned from a catalog's vectors.

    ``parts``: the embedding's parts with their weights in the transformed similarity; ``mean`` (d,)
    float32: mean of the catalog's vectors after each part was normalised; ``images``: number of
    vectors in the catalog.
    """

    parts: tuple[Part, ...]
    mean: Float32 = field(repr=False)
    images: int

    @property
    def shares(self) -> dict[str, float]:
        """The weight of each part in the similarity of transformed embeddings, by its name."""
        return {part.name: part.share for part in self.parts}

    @cached_property
    def layout(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first dimension of each part, and for each dimension (d,) the index of its part."""
        return layout_of(self.parts)

    @cached_property
    def weights(self) -> Float32:
        """The factor of each dimension (d,): the square root of the weight of its part."""
        roots = np.sqrt(np.array([part.share for part in self.parts], np.float32))
        return roots[self.layout[1]]

    def apply(self, vectors: Float32) -> Float32:
        """Transform embeddings (N, d) or (d,) float32.

        The result has unit length, unless a part of the embedding is zero or equals the catalog's
        mean: that part becomes zero and adds nothing to scores.
        """
        if vectors.ndim == 1:
            return self.directions(vectors[None])[0] * self.weights
        found = self.directions(vectors)
        found *= self.weights
        return found

    def directions(self, vectors: Float32) -> Float32:
        """Return embeddings (N, d) with each part centred on the catalog's mean; see ``Part``.

        Each part is scaled to length 1 before and after centring; weights are not applied.
        """
        found = np.empty((len(vectors), len(self.mean)), np.float32)
        starts, owner = self.layout
        for rows in in_steps(len(vectors)):
            inverse = inverse_lengths(vectors[rows], starts)
            found[rows] = vectors[rows] * inverse[:, owner] - self.mean
            # A part that was zero is now minus the mean; make it zero again.
            found[rows] *= (inverse_lengths(found[rows], starts) * (inverse > 0))[:, owner]
        return found

    def to_json(self) -> dict[str, Any]:
        """Return JSON values for :meth:`from_json`; the mean is base64 of little-endian float32."""
        return {
            "parts": [vars(part) for part in self.parts],
            "mean": base64.b64encode(self.mean.astype("<f4").tobytes()).decode(),
            "images": self.images,
        }

    @classmethod
    def from_json(cls, described: Mapping[str, Any]) -> Self:
        """Return the transform that :meth:`to_json` described; other keys are ignored."""
        mean = np.frombuffer(base64.b64decode(described["mean"]), "<f4").astype(np.float32)
        return cls(
            parts=parts_from_json(described["parts"], len(mean)),
            mean=mean,
            images=described["images"],
        )


def fit(
    vectors: Float32,
    parts: Sequence[Part],
    shares: Shares | None = None,
    images: int | None = None,
) -> Fit:
    """Learn a transform from a catalog's vectors (N, d), at least :data:`LEAST` of them.

    ``shares``: weight of each part by name, by default those of :func:`choose_shares`. ``images``:
    number of vectors in the catalog, if ``vectors`` is a sample.
    """
    shares = choose_shares(vectors, parts) if shares is None else shares
    return Fit(
        parts=tuple(replace(part, share=shares[part.name]) for part in parts),
        mean=mean_of(vectors, parts),
        images=len(vectors) if images is None else images,
    )


def choose_shares(vectors: Float32, parts: Sequence[Part]) -> dict[str, float]:
    """Return a weight for each part by name, chosen from a catalog's vectors (N, d) without labels.

    The weights add up to 1. The class part gets more if the classifier tells the catalog's pictures
    apart; colour gets more if features are alike. If there are parts other than ``features``,
    ``colour`` and ``class``, or no ``features``, all parts keep the weights in ``parts``.

    The constants were chosen on three catalogs (docs/index-backends.md).
    """
    found = {part.name: unit_part(vectors, parts, part.name) for part in parts}
    if not found.keys() <= {"features", "colour", "class"} or "features" not in found:
        return {part.name: part.share for part in parts}
    kinds = class_share(found["class"]) if "class" in found else 0.0
    features = features_share(found["features"]) if "colour" in found else 1.0
    shares = {"colour": round((1 - kinds) * (1 - features), 6), "class": round(kinds, 6)}
    # Rounded for itself, the last weight might not add up with the others.
    shares["features"] = round(1 - sum(shares.values()), 6)
    return {name: shares[name] for name in found}


def class_share(roots: Float32) -> float:
    """Return the weight of the class part, from its values ``roots`` (N, classes).

    The values are square roots of softened probabilities. The weight grows with the mutual
    information of picture and class: high if the classifier is sure of each picture and the catalog
    is varied, 0 in a shop of one kind of thing.
    """
    # Softened at temperature 2, so the fourth power is the probability up to a factor.
    probabilities = roots.astype(np.float64) ** 4
    probabilities /= np.maximum(probabilities.sum(1, keepdims=True), 1e-12)
    known = entropy(probabilities.mean(0)) - float(entropy(probabilities).mean())
    return float(np.clip(known / np.log(roots.shape[1]) - UNKNOWN, 0, MOST_CLASS))


def features_share(features: Float32) -> float:
    """Return the weight of features as opposed to colour, from unit vectors ``features`` (N, n).

    The more alike the features of the catalog are, the lower it is.
    """
    alike = float(np.linalg.norm(features.mean(0)))
    return float(np.interp(alike, (VARIED, NARROW), (MOST_FEATURES, LEAST_FEATURES)))


def entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the entropy in nats of distributions (…, classes), as (…)."""
    logs = np.log(np.maximum(probabilities, 1e-12))
    result: NDArray[np.float64] = -(probabilities * logs).sum(-1)
    return result


def unit_part(vectors: Float32, parts: Sequence[Part], name: str) -> Float32:
    """Return the named part of each of the vectors (N, d), normalised to unit length."""
    starts, _ = layout_of(parts)
    start, part = next(
        (start, part) for start, part in zip(starts, parts, strict=True) if part.name == name
    )
    numbers = vectors[:, start : start + part.size]
    return numbers * inverse_lengths(numbers, np.zeros(1, np.int64))


def mean_of(vectors: Float32, parts: Sequence[Part]) -> Float32:
    """Return the mean (d,) of vectors (N, d), each part of which is normalised first."""
    total = np.zeros(vectors.shape[1], np.float64)
    starts, owner = layout_of(parts)
    for rows in in_steps(len(vectors)):
        units = vectors[rows] * inverse_lengths(vectors[rows], starts)[:, owner]
        total += units.sum(0, dtype=np.float64)
    return (total / max(1, len(vectors))).astype(np.float32)


def distance(fitted: Fit, vectors: Float32) -> float:
    """Return how far the mean of vectors (N, d) has moved from the transform's mean, 0…2.

    Each part of the embedding contributes by its weight.
    """
    moved = mean_of(vectors, fitted.parts) - fitted.mean
    return float(np.linalg.norm(moved * fitted.weights))


def layout_of(parts: Sequence[Part]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first dimension of each part, and for each dimension (d,) its part's index."""
    sizes = np.array([part.size for part in parts], np.int64)
    return np.cumsum(sizes) - sizes, np.repeat(np.arange(len(parts)), sizes)


def in_steps(count: int) -> Iterator[slice]:
    """Yield slices that cover ``count`` rows, :data:`ROWS` rows each, to limit memory."""
    for start in range(0, count, ROWS):
        yield slice(start, start + ROWS)


def inverse_lengths(vectors: Float32, starts: NDArray[np.int64]) -> Float32:
    """Return 1 / length of each part of vectors (N, d), as (N, parts).

    ``starts``: first dimension of each part. 0 for a part whose length is nearly zero.
    """
    lengths = np.sqrt(np.add.reduceat(vectors * vectors, starts, axis=1))
    inverse: Float32 = np.zeros_like(lengths)
    return np.divide(1, lengths, out=inverse, where=lengths > ZERO)
