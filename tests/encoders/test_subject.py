import numpy as np
import pytest

from visualsearch.encoders.subject import suggest_box
from visualsearch.photos.crops import check_crop


def block(rows, columns, size=28):
    saliency = np.full((size, size), 0.05, np.float32)
    saliency[rows, columns] = 1
    return saliency


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(slice(4, 14), slice(8, 24)), (slice(0, 9), slice(0, 9)), (slice(14, 28), slice(20, 28))],
)
def test_suggest_box__spans_a_block(rows, columns):
    x, y, w, h = suggest_box(block(rows, columns))
    wanted = columns.start / 28, rows.start / 28, columns.stop / 28, rows.stop / 28
    assert (x, y, x + w, y + h) == pytest.approx(wanted, abs=0.06)


def test_suggest_box__is_a_crop_that_photos_takes():
    rng = np.random.default_rng(0)
    boxes = [suggest_box(rng.random((7, 7)).astype(np.float32) ** 8) for _ in range(200)]
    assert sum(box is not None for box in boxes) > 100
    for box in boxes:
        if box is not None:
            check_crop(box)


@pytest.mark.parametrize("saliency", [np.zeros((7, 7)), np.ones((7, 7)), block(3, 3, 100)])
def test_suggest_box__nothing_to_gain(saliency):
    assert suggest_box(saliency.astype(np.float32)) is None


def test_suggest_box__a_subject_that_moves_moves_the_box():
    here = suggest_box(block(slice(5, 15), slice(5, 15)))
    there = suggest_box(block(slice(5, 15), slice(12, 22)))
    assert there[0] - here[0] == pytest.approx(7 / 28, abs=0.02)
    assert there[1] == pytest.approx(here[1], abs=0.02)
