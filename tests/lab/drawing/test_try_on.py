"""Cutting a garment out of its photo, and drawing a person who wears it."""

import numpy as np
import pytest
from PIL import Image

from ml_models.lab.drawing.cut_outs import cut_out
from ml_models.lab.drawing.person import SIZE
from ml_models.lab.drawing.try_on import WEARABLE, wear, worn_pair
from tests.lab.helpers.flat_garments import GROUND, RED, lying


@pytest.mark.parametrize("label", sorted(WEARABLE))
def test_worn_pair__the_garment_is_in_its_box(label):
    image, _ = lying(label)
    made, box = worn_pair(image, label, seed=4)
    left, top, right, bottom = box
    assert made.size == SIZE
    assert 0 <= left < right <= SIZE[0]
    assert 0 <= top < bottom <= SIZE[1]
    inside = np.asarray(made, np.float32)[top:bottom, left:right].reshape(-1, 3)
    hue = inside / inside.sum(1, keepdims=True)
    red = np.abs(hue - np.array(RED) / sum(RED)).max(1) < 0.12
    assert red.mean() > 0.25


@pytest.mark.parametrize(
    ("upper", "lower"), [("hat", "t-shirt"), ("t-shirt", "pants"), ("skirt", "shoes")]
)
def test_worn_pair__the_right_place(upper, lower):
    boxes = [worn_pair(lying(label)[0], label, seed=2)[1] for label in (upper, lower)]
    assert sum(boxes[0][1::2]) < sum(boxes[1][1::2])


def test_worn_pair__is_deterministic():
    image, _ = lying("dress")
    first, again, other = (worn_pair(image, "dress", seed) for seed in (1, 1, 2))
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1] == again[1]
    assert first[0].tobytes() != other[0].tobytes()


def test_worn_pair__no_garment():
    assert worn_pair(Image.new("RGB", (200, 280), GROUND), "skirt", 1) is None


def test_wear__sleeves_hang_down():
    """The sleeves of a t-shirt point aside on the floor; worn, they are narrower and lower."""
    cut = cut_out(lying("t-shirt")[0], "t-shirt")
    boxes = [wear(cut, "t-shirt", seed)[1] for seed in range(20)]
    wide = np.median([(right - left) / (bottom - top) for left, top, right, bottom in boxes])
    assert wide < cut.alpha.shape[1] / cut.alpha.shape[0]
