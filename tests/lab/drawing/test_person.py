"""Drawn people and the labels of their garments."""

from collections import Counter

import numpy as np
import pytest

from ml_models.lab.drawing.person import LABELS, SIZE, person


@pytest.fixture(scope="module")
def people():
    return [person(seed) for seed in range(60)]


def test_person__is_deterministic(people):
    again = person(3)
    assert again.image.tobytes() == people[3].image.tobytes()
    assert again.garments == people[3].garments
    assert again.image.tobytes() != people[4].image.tobytes()


def test_person__all_classes(people):
    found = Counter(garment.label for drawn in people for garment in drawn.garments)
    assert set(found) == set(LABELS)
    assert min(found.values()) >= 3


def test_person__wears_something_above_and_below(people):
    for drawn in people:
        worn = {garment.label for garment in drawn.garments}
        assert "dress" in worn or worn & {"pants", "shorts", "skirt", "outwear"}
        assert worn & {"dress", "t-shirt", "shirt", "longsleeve", "outwear"}


def test_person__boxes_are_inside(people):
    for drawn in people:
        for garment in drawn.garments:
            left, top, right, bottom = garment.box
            assert 0 <= left < right <= SIZE[0], garment
            assert 0 <= top < bottom <= SIZE[1], garment


def test_person__colours_are_found_in_their_boxes(people):
    """Light, folds and camera change a garment's hue much less than garments differ."""
    seen = 0
    for drawn in people:
        pixels = np.asarray(drawn.image, np.float32)
        for garment in drawn.garments:
            left, top, right, bottom = garment.box
            inside = pixels[top:bottom, left:right].reshape(-1, 3)
            near = np.abs(inside - garment.colour).max(1) < 48
            seen += near.mean() > 0.08
    assert seen / sum(len(drawn.garments) for drawn in people) > 0.93


def test_person__boxes_follow_the_body(people):
    """Hats are above tops, and tops above shoes."""
    for drawn in people:
        middles = {garment.label: sum(garment.box[1::2]) / 2 for garment in drawn.garments}
        order = [
            middles[label] for label in ("hat", "t-shirt", "pants", "shoes") if label in middles
        ]
        assert order == sorted(order)


def test_person__in_another_size():
    small = person(1, (160, 240))
    assert small.image.size == (160, 240)
    assert all(garment.box[2] <= 160 for garment in small.garments)
