"""Painting soft shapes, and the owner of each pixel."""

import numpy as np
import pytest

from ml_models.lab.drawing.painting import Canvas, ellipse, layer, limb, noise, relief, rounded

SIZE = (60, 80)

SQUARE = np.array([(10, 20), (30, 20), (30, 50), (10, 50)], float)


@pytest.fixture
def canvas():
    return Canvas(np.full((80, 60, 3), 100, np.float32), np.random.default_rng(0), light=1)


def test_layer__covers_its_outline():
    part = layer(SIZE, [SQUARE])
    left, top, right, bottom = part.box
    whole = np.zeros((80, 60))
    whole[top:bottom, left:right] = part.alpha
    assert whole[22:48, 12:28].min() == 1
    assert whole.sum() == pytest.approx(600, rel=0.1)
    assert whole[:18].max() == 0


def test_layer__outside_of_the_picture():
    assert layer(SIZE, [SQUARE + 200]) is None
    assert layer(SIZE, [SQUARE - 15]).box[:2] == (0, 3)


def test_put__the_box_is_that_of_the_shape(canvas):
    canvas.put(layer(SIZE, [SQUARE]), (200, 0, 0), owner=3)
    assert canvas.box_of(3) == pytest.approx((10, 20, 31, 51), abs=1)
    assert canvas.pixels[30, 20] == pytest.approx((200, 0, 0))
    assert canvas.pixels[5, 5] == pytest.approx((100, 100, 100))


def test_put__what_lies_above_hides(canvas):
    canvas.put(layer(SIZE, [SQUARE]), (200, 0, 0), owner=1)
    canvas.put(layer(SIZE, [np.add(SQUARE, (0, 15))]), (0, 0, 200), owner=2)
    assert canvas.box_of(1)[3] == pytest.approx(35, abs=1)
    canvas.put(layer(SIZE, [np.subtract(SQUARE, (0, 3))]), (0, 0, 200), owner=2)
    assert canvas.box_of(1) is None


def test_put__light_from_the_left(canvas):
    canvas.put(layer(SIZE, [ellipse((30, 40), 15, 15)]), (150, 150, 150), round_by=4)
    assert canvas.pixels[40, 18].mean() > canvas.pixels[40, 42].mean()


def test_shade__darkens(canvas):
    canvas.shade(layer(SIZE, [SQUARE]), 0.5)
    assert canvas.pixels[30, 20].mean() == pytest.approx(50)
    assert canvas.pixels[70, 50].mean() == 100


def test_rounded__stays_inside():
    outline = rounded(SQUARE)
    assert len(outline) == 16
    assert outline.min(0) == pytest.approx((10, 20), abs=0.1)
    assert not (outline == SQUARE[0]).all(1).any()


def test_limb__is_as_thick_as_its_joints():
    part = layer(SIZE, limb([np.array([30.0, 10]), np.array([30.0, 60])], [4, 8]))
    widths = part.alpha.sum(1)
    assert widths[10 - part.box[1]] == pytest.approx(8, abs=1.5)
    assert widths[60 - part.box[1]] == pytest.approx(16, abs=1.5)


def test_relief__is_flat_in_the_middle():
    slope = relief(np.pad(np.ones((30, 30), np.float32), 10), 2)
    assert slope[25, 25] == 0
    assert slope[25, 10] > 0.3 > -0.3 > slope[25, 39]


def test_noise():
    made = noise(np.random.default_rng(1), (200, 100), (40, 20))
    assert made.shape == (100, 200)
    assert abs(made.mean()) < 0.15
    assert 0.5 < made.std() < 1.2
