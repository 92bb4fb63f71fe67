import numpy as np
import pytest

from visualsearch.encoders.cells import Cells, border, overlap


def cells(shape=(7, 5)):
    rng = np.random.default_rng(0)
    return Cells(
        values=rng.normal(0, 1, (*shape, 30)).astype(np.float32) * np.linspace(0.01, 30, 30),
        colours=rng.integers(0, 256, (*shape, 16, 3), np.uint8),
        saliency=rng.random(shape).astype(np.float32),
        worn=0.3,
    )


def test_to_bytes__and_back():
    seen = cells()
    stored = seen.to_bytes()
    again = Cells.from_bytes(stored)
    span = seen.values.max((0, 1)) - seen.values.min((0, 1))
    assert (np.abs(again.values - seen.values).max((0, 1)) < span / 255).all()
    assert np.abs(again.saliency - seen.saliency).max() < 1 / 255
    assert again.values.dtype == again.saliency.dtype == np.float32
    assert again.worn == pytest.approx(0.3, abs=1 / 255)
    assert len(stored) < seen.values.size + seen.colours.size + 200


def test_to_bytes__where_a_colour_was_is_forgotten_and_nothing_else():
    seen = cells((3, 3))
    moved = Cells(
        values=seen.values,
        colours=seen.colours[:, :, ::-1].copy(),
        saliency=seen.saliency,
        worn=seen.worn,
    )
    assert moved.to_bytes() == seen.to_bytes()
    again = Cells.from_bytes(seen.to_bytes()).colours
    assert sorted(map(tuple, again[1, 2])) == sorted(map(tuple, seen.colours[1, 2]))


def test_from_bytes__cells_of_an_earlier_version_look_worn_by_nobody():
    assert Cells.from_bytes(cells().to_bytes()[:-1]).worn == 0


def test_to_bytes__a_channel_that_is_the_same_everywhere():
    seen = Cells(
        values=np.full((2, 2, 1), 0.7, np.float32),
        colours=np.zeros((2, 2, 1, 3), np.uint8),
        saliency=np.zeros((2, 2), np.float32),
    )
    assert np.allclose(Cells.from_bytes(seen.to_bytes()).values, 0.7, atol=1e-3)


@pytest.mark.parametrize(
    ("crop", "wanted"),
    [
        ((0.0, 0.0, 1.0, 1.0), [[1, 1], [1, 1]]),
        ((0.5, 0.0, 0.5, 0.5), [[0, 1], [0, 0]]),
        ((0.25, 0.0, 0.5, 1.0), [[0.5, 0.5], [0.5, 0.5]]),
    ],
)
def test_overlap(crop, wanted):
    assert np.allclose(overlap(crop, (2, 2)), wanted)


def test_overlap__sums_to_the_area():
    assert overlap((0.13, 0.4, 0.31, 0.52), (7, 7)).sum() == pytest.approx(49 * 0.31 * 0.52)


def test_border():
    assert border((4, 3)).tolist() == [[1, 1, 1], [1, 0, 1], [1, 0, 1], [1, 1, 1]]
