"""Calibrate probabilities by temperature: one for garments alone, one for worn garments.

Garments alone are classified better than garments on people, but training leaves the network about
equally confident of both. A single temperature makes it underconfident of the former or
overconfident of the latter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit, log_softmax, softmax

from ..measuring.parent_classes import coarse
from ..measuring.reliability import calibration_error, reliability
from ..networks.shopnet import ShopNet
from ..networks.temperature import Temperature
from ..photos.photo_sets import PhotoSet
from ..photos.pixels import scale

Float32 = NDArray[np.float32]
Labels = NDArray[np.int64]

# Weight decay of the boundary between photos of garments alone and worn ones.
DECAY = 0.02


def fit_temperature(logits: Float32, labels: NDArray[np.int64]) -> tuple[float, float | None]:
    """Return the best temperature for logits, and the calibration error it leaves.

    ``logits`` (N, classes): of photos that were not trained on; ``labels`` (N,): their classes. The
    temperature has the least cross-entropy (Guo et al., "On calibration of modern neural networks",
    2017). For the error, each half of the photos is scaled by the other half's temperature.
    """
    halves = np.arange(len(labels)) % 2
    probabilities = np.empty_like(logits, float)
    for half in (0, 1):
        chosen = best_temperature(logits[halves != half], labels[halves != half])
        probabilities[halves == half] = softmax(logits[halves == half] / chosen, 1)
    error = calibration_error(reliability(probabilities, labels))
    return round(best_temperature(logits, labels), 4), error


def best_temperature(logits: Float32, labels: NDArray[np.int64]) -> float:
    """Return the temperature, 0.05…20, with the least mean cross-entropy.

    ``logits`` (N, classes), ``labels`` (N,) class indices.
    """

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), 1)
        return -float(scaled[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A network's outputs for N photos that were not trained on, with their labels.

    ``features`` (N, d): pooled class features. ``logits`` (N, classes). ``numbers`` (classes,): the
    coarser class of each class, whose probabilities are summed. ``labels`` (N,): coarser classes.
    """

    features: Float32
    logits: Float32
    labels: Labels
    numbers: Labels

    def some(self, rows: NDArray[np.bool_]) -> Seen:
        """Return the photos where ``rows`` (N,) is true."""
        return replace(
            self,
            features=self.features[rows],
            logits=self.logits[rows],
            labels=self.labels[rows],
        )

    def probabilities(self, temperatures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return probabilities (N, coarse classes) with logits divided by ``temperatures`` (N,)."""
        fine = softmax(self.logits / temperatures[:, None], 1)
        return fine @ np.eye(self.numbers.max() + 1)[self.numbers]

    @torch.no_grad()
    def calibrated(self, temperature: Temperature) -> Float32:
        """Return probabilities (N, coarse classes) as serving computes them."""
        found = temperature(torch.from_numpy(self.features)).numpy()[:, 0]
        return self.probabilities(found.astype(np.float64)).astype(np.float32)


def fit_temperatures(alone: Seen, worn: Seen) -> Temperature:
    """Fit the temperatures of garments alone and of worn garments.

    A logistic regression tells the two kinds apart. The two temperatures have the least
    cross-entropy, with equal weight for both kinds (Guo et al., "On calibration of modern neural
    networks", 2017, extended to a temperature that depends on the photo).
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
    """Return the calibration errors ``alone`` and ``worn``, 0…1, for held-out photos.

    Each half of the photos is calibrated by temperatures fitted to the other half.
    """
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
    """Fit a logistic regression that tells worn garments from garments alone.

    ``alone``, ``worn``: features (N, d). Return weight (d,) and bias; results above 0 mean worn.
    """
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
    """Return a network's class features and logits for photos, with coarse labels.

    ``numbers`` (classes,): index of the coarser class of each class.
    """
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
    """Fit the temperature to validation photos, and to garments on people if given.

    ``stored``: contents of the run's ``model.pt``. ``photos``: garments alone; ``worn``: on people.
    Return the temperature, and the ``temperature`` section of ``model.json``: the value, or one
    each for ``alone`` and ``worn``, and ``cross_fitted_error``, the calibration error on held-out
    halves.
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
