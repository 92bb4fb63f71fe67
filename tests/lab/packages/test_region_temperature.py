"""Fitting the temperature of subjects, with a known answer."""

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.packages.region_temperature import fit_region_temperature, subjects  # noqa: E402
from ml_models.lab.photos.photo_sets import PhotoSet  # noqa: E402

NUMBERS = np.array([0, 1, 0])


class Sure:
    """A fake network whose logits, in all cells of a subject, are encoded in the photo's pixels."""

    def __init__(self, logits, saliency):
        self.logits, self.saliency = logits, saliency

    def __call__(self, image):
        row = int(image[0, 0, 0, 0])
        values = torch.zeros(1, 7, 7, 5)
        values[0, :, :, 2:] = torch.from_numpy(self.logits[row])
        colours = torch.zeros(1, 7, 7, 16, 3, dtype=torch.uint8)
        saliency = torch.from_numpy(self.saliency)[None]
        embedding = probabilities = torch.zeros(1, 3)
        return embedding, probabilities, saliency, values, colours, torch.zeros(1)


def saliency(standing=True):
    found = np.full((7, 7), 0.05, np.float32)
    found[2:5, 2:5] = 1
    return found if standing else np.ones((7, 7), np.float32)


def photos(temperature, count=250, seed=0):
    """Return photos that are right as often as logits at this temperature predict."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((count, 3)).astype(np.float32) * 3
    chances = np.exp(logits / temperature)
    chances /= chances.sum(1, keepdims=True)
    labels = (chances.cumsum(1) < rng.random((count, 1))).sum(1)
    pixels = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)
    return logits, PhotoSet(pixels=pixels, labels=torch.from_numpy(labels), classes=list("abc"))


def test_fit_region_temperature__finds_what_makes_it_honest():
    logits, seen = photos(1.6)
    found = fit_region_temperature(Sure(logits, saliency()), [seen], np.arange(3))
    assert found == pytest.approx(1.6, rel=0.2)


def test_fit_region_temperature__without_a_subject():
    logits, seen = photos(1.6)
    assert fit_region_temperature(Sure(logits, saliency(standing=False)), [seen], NUMBERS) == 1


def test_subjects__logits_of_the_cells_and_coarse_labels():
    logits, seen = photos(1.0, count=5)
    found, labels = subjects(Sure(logits, saliency()), seen, NUMBERS)
    assert np.allclose(found, logits, atol=1e-5)
    assert labels.tolist() == NUMBERS[seen.labels.numpy()].tolist()
