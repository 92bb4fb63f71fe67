import numpy as np
import pytest

from ml_models.lab.drawing.cut_outs import CutOut, cut_out
from ml_models.lab.drawing.garment_measures import measure_garment
from tests.lab.helpers.flat_garments import lying


def test_measure_garment__trunk_and_sleeves():
    cut = cut_out(lying("t-shirt")[0], "t-shirt")
    found = measure_garment(cut.alpha)
    assert found.trunk == pytest.approx(42, abs=4)
    assert found.middle == pytest.approx(90, abs=4)
    for far, low in found.sleeves:
        assert 30 < far < 50
        assert 30 < low < 75


def test_measure_garment__without_sleeves():
    cut = cut_out(lying("skirt")[0], "skirt")
    bare = CutOut(pixels=cut.pixels, alpha=np.ones_like(cut.alpha))
    assert measure_garment(bare.alpha[:, :80]).sleeves == [(0, 0), (0, 0)]
