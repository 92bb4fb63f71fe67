import numpy as np
import pytest

from ml_models.lab.drawing.cut_outs import cut_out, symmetry
from ml_models.lab.drawing.try_on import WEARABLE
from tests.lab.helpers.flat_garments import GROUND, RED, lying


@pytest.mark.parametrize("label", sorted(WEARABLE))
def test_cut_out__is_the_garment(label):
    image, mask = lying(label)
    cut = cut_out(image, label)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert cut.alpha.shape == pytest.approx((height, width), abs=10)
    assert (cut.alpha > 0.5).sum() == pytest.approx(mask.sum(), rel=0.08)
    median = np.median(cut.pixels[cut.alpha > 0.9], axis=0)
    assert median == pytest.approx(RED, abs=8)


def test_cut_out__nothing_to_tell_apart():
    image, _ = lying("t-shirt", colour=GROUND)
    assert cut_out(image, "t-shirt") is None


def test_cut_out__of_another_shape():
    """Shapes that are implausible for the class, such as crooked ones, are rejected."""
    image, _ = lying("pants")
    assert cut_out(image, "pants")
    assert cut_out(image.rotate(90, expand=True, fillcolor=GROUND), "pants") is None
    assert cut_out(image.rotate(35, fillcolor=GROUND), "pants") is None


def test_symmetry():
    assert symmetry(np.eye(4, dtype=bool)[:, ::-1] | np.eye(4, dtype=bool)) == 1
    assert symmetry(np.eye(4, dtype=bool)) == 0
