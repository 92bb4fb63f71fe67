"""A calibration temperature that depends on the photo."""

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.measuring.reliability import calibration_error, reliability  # noqa: E402
from ml_models.lab.networks.temperature import Temperature  # noqa: E402
from ml_models.lab.packages.temperature_scaling import (  # noqa: E402
    Seen,
    boundary_between,
    cross_fitted_errors,
    fit_temperatures,
)


def seen(*, worn, temperature, count=1500, seed=0, numbers=(0, 1, 2)):
    """Return outputs for photos whose labels are drawn by probabilities at this temperature."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((count, 6)).astype(np.float32)
    features[:, 0] += 6 if worn else -6
    logits = rng.standard_normal((count, len(numbers))).astype(np.float32) * 2
    chances = np.exp(logits / temperature)
    chances /= chances.sum(1, keepdims=True)
    labels = (chances.cumsum(1) < rng.random((count, 1))).sum(1)
    numbers = np.array(numbers)
    return Seen(features=features, logits=logits, labels=numbers[labels], numbers=numbers)


ALONE = {"worn": False, "temperature": 0.5}

WORN = {"worn": True, "temperature": 1.6, "seed": 1}


def test_worn__tells_both_kinds_apart():
    alone, worn = seen(**ALONE), seen(**WORN)
    made = fit_temperatures(alone, worn)
    shares = [made.worn(torch.from_numpy(each.features)).mean() for each in (alone, worn)]
    assert shares[0] < 0.2
    assert shares[1] > 0.8


def test_fit_temperatures__finds_both():
    made = fit_temperatures(seen(**ALONE), seen(**WORN))
    found = made(torch.tensor([[-6.0, 0, 0, 0, 0, 0], [6.0, 0, 0, 0, 0, 0]]))[:, 0]
    assert found.tolist() == pytest.approx([0.5, 1.6], rel=0.15)
    assert made.logs.exp().tolist() == pytest.approx([0.5, 1.6], rel=0.15)


def test_fit_temperatures__is_more_honest_than_one_for_all():
    alone, worn = seen(**ALONE), seen(**WORN)
    made = fit_temperatures(alone, worn)
    for each in (alone, worn):
        two = calibration_error(reliability(each.calibrated(made), each.labels))
        one = calibration_error(reliability(each.calibrated(Temperature(6, 0.9)), each.labels))
        assert two < one / 2


def test_seen__finer_classes_count_for_their_parents():
    photos = seen(**ALONE, numbers=(0, 1, 0))
    found = photos.probabilities(np.ones(len(photos.labels)))
    assert found.shape == (1500, 2)
    assert found.sum(1) == pytest.approx(1)
    assert found[:, 1] == pytest.approx(torch.tensor(photos.logits).softmax(1)[:, 1].numpy())


def test_cross_fitted_errors__of_photos_that_chose_nothing():
    errors = cross_fitted_errors(seen(**ALONE), seen(**WORN))
    assert set(errors) == {"alone", "worn"}
    assert all(0 < error < 0.06 for error in errors.values())


def test_boundary_between__tells_worn_from_alone():
    alone, worn = seen(**ALONE).features, seen(**WORN).features
    weight, bias = boundary_between(alone, worn)
    assert (alone @ weight + bias < 0).mean() > 0.99
    assert (worn @ weight + bias > 0).mean() > 0.99
