"""Calibrate probabilities by temperature: one for garments alone, another for worn ones.

Garments alone are classified better than garments on people, but training leaves the network about
equally confident of both. A single temperature makes it underconfident of the former or
overconfident of the latter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, softmax
from torch import Tensor, nn

from visualsearch.encoders.preprocess import InputSpec, prepare

from .calibrate import fit_temperature
from .data import PhotoSet
from .network import ShopNet
from .parents import coarse
from .people import parts, read_boxes
from .reliability import calibration_error, reliability
from .views import scale

Float32 = NDArray[np.float32]
Labels = NDArray[np.int64]

# Logit of a share of worn garments that is practically 0.
UNWORN = -10.0
# Weight decay of the boundary between photos of garments alone and worn ones.
DECAY = 0.02


class Temperature(nn.Module):
    """A temperature per photo, between two, by how much the photo looks like a worn garment."""

    def __init__(self, features: int, alone: float = 1.0, worn: float | None = None) -> None:
        """Start with fixed temperatures; ``features``: number of pooled class features."""
        super().__init__()
        self.boundary = nn.Linear(features, 1).requires_grad_(False)
        self.boundary.weight.zero_()
        # Before it is fitted, no photo looks worn.
        self.boundary.bias.fill_(UNWORN)
        pair = torch.tensor([alone, alone if worn is None else worn])
        self.register_buffer("logs", pair.log())

    def forward(self, pooled: Tensor) -> Tensor:
        """Return temperatures (N, 1) of pooled class features (N, features)."""
        return self.between(self.worn(pooled))

    def worn(self, pooled: Tensor) -> Tensor:
        """Return how much photos look like worn garments, 0…1: (N, features) -> (N, 1)."""
        return self.boundary(pooled).sigmoid()

    def between(self, worn: Tensor) -> Tensor:
        """Return the temperatures (N, 1) of photos that look worn that much (N, 1)."""
        return torch.exp(self.logs[0] + worn * (self.logs[1] - self.logs[0]))


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A network's outputs for N photos it was not trained on, and their labels.

    ``features`` (N, d), ``logits`` (N, classes); ``numbers`` (classes,): the coarse class of each
    class, whose probabilities are summed; ``labels`` (N,) are coarse.
    """

    features: Float32
    logits: Float32
    labels: Labels
    numbers: Labels

    def some(self, rows: NDArray[np.bool_]) -> Seen:
        """Return some of the photos."""
        return replace(
            self,
            features=self.features[rows],
            logits=self.logits[rows],
            labels=self.labels[rows],
        )

    def probabilities(self, temperatures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return probabilities of coarse classes (N, coarse) at temperatures (N,)."""
        fine = softmax(self.logits / temperatures[:, None], 1)
        return fine @ np.eye(self.numbers.max() + 1)[self.numbers]

    @torch.no_grad()
    def calibrated(self, temperature: Temperature) -> Float32:
        """Return probabilities of coarse classes (N, coarse) as they are served."""
        found = temperature(torch.from_numpy(self.features)).numpy()[:, 0]
        return self.probabilities(found.astype(np.float64)).astype(np.float32)


def fit_temperatures(alone: Seen, worn: Seen) -> Temperature:
    """Fit a :class:`Temperature` to photos of garments alone and of worn ones.

    The boundary is a logistic regression. The two temperatures have the least cross-entropy, with
    equal weight for both kinds of photos (Guo et al., "On calibration of modern neural networks",
    2017, extended to a temperature that depends on the photo).
    """
    weight, bias = boundary_between(alone.features, worn.features)
    shares = [expit(seen.features @ weight + bias) for seen in (alone, worn)]

    def loss(logs: NDArray[np.float64]) -> float:
        total = 0.0
        for share, seen in zip(shares, (alone, worn), strict=True):
            found = seen.probabilities(np.exp(logs[0] + share * (logs[1] - logs[0])))
            right = found[np.arange(len(found)), seen.labels]
            total -= float(np.log(np.maximum(right, 1e-12)).mean())
        return total

    found = np.exp(minimize(loss, np.zeros(2), method="Nelder-Mead").x)
    made = Temperature(len(weight), *(round(float(each), 4) for each in found))
    made.boundary.weight.copy_(torch.from_numpy(weight[None]))
    made.boundary.bias.fill_(bias)
    return made


def cross_fitted_errors(alone: Seen, worn: Seen) -> dict[str, float | None]:
    """Return calibration errors, with each half calibrated by the other's temperatures."""
    found = {}
    by_halves = [
        np.empty((len(seen.labels), seen.numbers.max() + 1), np.float32) for seen in (alone, worn)
    ]
    for half in (0, 1):
        rows = [np.arange(len(seen.labels)) % 2 == half for seen in (alone, worn)]
        chosen = fit_temperatures(alone.some(~rows[0]), worn.some(~rows[1]))
        for seen, mine, made in zip((alone, worn), rows, by_halves, strict=True):
            made[mine] = seen.some(mine).calibrated(chosen)
    for name, seen, made in zip(("alone", "worn"), (alone, worn), by_halves, strict=True):
        found[name] = calibration_error(reliability(made, seen.labels))
    return found


def boundary_between(alone: Float32, worn: Float32) -> tuple[Float32, float]:
    """Return weight (d,) and bias of a logistic regression that tells worn (N, d) from alone."""
    both = np.concatenate([alone, worn]).astype(np.float64)
    mean, deviation = both.mean(0), np.maximum(both.std(0), 1e-4)
    points = (both - mean) / deviation
    sign = np.repeat([1.0, -1.0], [len(alone), len(worn)])

    def loss(x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = sign * (points @ x[1:] + x[0])
        slope = sign * expit(margins) / len(sign)
        value = np.logaddexp(0, margins).mean() + DECAY * (x[1:] ** 2).sum()
        return value, np.concatenate([[slope.sum()], slope @ points + 2 * DECAY * x[1:]])

    x = minimize(loss, np.zeros(both.shape[1] + 1), jac=True, method="L-BFGS-B").x
    weight = x[1:] / deviation
    return weight.astype(np.float32), float(x[0] - weight @ mean)


@torch.no_grad()
def seen_of(model: ShopNet, photos: PhotoSet, numbers: NDArray[np.int64]) -> Seen:
    """Return the class branch's outputs for photos; ``numbers``: coarse class of each class."""
    branch = model.class_branch
    pooled = torch.cat(
        [branch.map(model.trunk(scale(chunk))).mean((2, 3)) for chunk in photos.pixels.split(64)]
    )
    return Seen(
        features=pooled.numpy(),
        logits=branch.classifier(pooled).numpy(),
        labels=numbers[photos.labels.numpy()],
        numbers=numbers,
    )


def calibrate(
    model: ShopNet, stored: dict[str, Any], photos: PhotoSet, worn: PhotoSet | None
) -> tuple[Temperature, dict[str, Any]]:
    """Fit the temperature to validation photos, and to worn garments if given.

    Return it with its description for ``model.json``.
    """
    _, numbers = coarse(stored["classes"], stored.get("parents", {}))
    alone = seen_of(model, photos, numbers)
    if worn is None:
        value, error = fit_temperature(alone.logits, photos.labels.numpy())
        found = {"value": value, "cross_fitted_error": error}
        return Temperature(alone.features.shape[1], value), found
    people = seen_of(model, worn, numbers)
    made = fit_temperatures(alone, people)
    values = dict(zip(("alone", "worn"), made.logs.exp().tolist(), strict=True))
    return made, values | {"cross_fitted_error": cross_fitted_errors(alone, people)}


def load_worn(
    path: Path,
    classes: Sequence[str],
    parents: dict[str, str],
    spec: InputSpec,
    hold_out: int = 0,
) -> PhotoSet:
    """Cut garments on people out of their photos, numbered as a model's classes.

    ``hold_out``: see :func:`.people.read_boxes`.
    """
    boxes = read_boxes(path, classes, parents, hold_out)
    pixels = np.stack([prepare(part, spec) for part in parts(boxes)])
    return PhotoSet(
        pixels=torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),
        labels=torch.tensor([classes.index(box.label) for box in boxes]),
        classes=list(classes),
    )
