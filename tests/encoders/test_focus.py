"""Find the garment of a synthetic person: head, top and legs on a wall."""

import numpy as np
import pytest

from visualsearch.encoders.cells import Cells
from visualsearch.encoders.focus import focus
from visualsearch.encoders.subject import suggest_box

WHOLE = (0.0, 0.0, 1.0, 1.0)
HEAD, TOP, LEGS = slice(0, 2), slice(2, 4), slice(4, 7)


def person(worn=1.0):
    """Return a person in the middle three of seven columns; the top is the most salient."""
    values = np.zeros((7, 7, 5), np.float32)
    values[..., 3:] = -2
    values[TOP, 2:5, 3:] = 9, -6
    values[LEGS, 2:5, 3:] = -4, 5
    saliency = np.full((7, 7), 0.1, np.float32)
    saliency[:, 2:5] = 1
    colours = np.zeros((7, 7, 1, 3), np.uint8)
    return Cells(values=values, colours=colours, saliency=saliency, worn=worn)


def test_focus__is_the_garment_that_the_photo_shows_most_of():
    found = focus(person(), WHOLE, 2)
    assert (found[TOP, 2:5] == 1).all()
    assert (found[HEAD, 2:5] == 0).all()
    assert (found[LEGS, 2:5] == 0).all()


def test_focus__the_box_leaves_head_and_legs_out():
    cells = person()
    _, y, _, h = suggest_box(focus(cells, WHOLE, 2))
    assert y > 1 / 7
    assert y + h < 5 / 7
    assert suggest_box(cells.saliency)[3] > 0.9


def test_focus__of_a_part_is_the_garment_of_that_part():
    found = focus(person(), (2 / 7, 4 / 7, 3 / 7, 3 / 7), 2)
    assert (found[LEGS, 2:5] == 1).all()
    assert found.sum() == 9


def test_focus__of_a_thing_alone_is_all_that_is_salient():
    cells = person(worn=0.0)
    assert np.array_equal(focus(cells, WHOLE, 2), cells.saliency)
    assert (focus(cells, (0.0, 0.0, 4 / 7, 1.0), 2)[:, 4:] == 0).all()


def test_focus__half_worn_is_half_as_sure():
    found = focus(person(0.5), WHOLE, 2)
    assert found[2, 3] == pytest.approx(1)
    assert found[5, 3] == pytest.approx(0.5)


def test_focus__where_nothing_speaks_for_any_class():
    cells = person()
    cells.values[...] = 1
    assert np.isfinite(focus(cells, WHOLE, 2)).all()
