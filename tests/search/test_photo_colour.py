"""The colour of what a photo shows, from its cells."""

from __future__ import annotations

import numpy as np
import pytest

from tests.helpers.pictures import encoded, plain
from visualsearch.encoders.cells import Cells
from visualsearch.encoders.fake import FakeEncoder
from visualsearch.models import Query
from visualsearch.photos.decode import open_photo
from visualsearch.search import by_photo
from visualsearch.search.photo_colour import photo_colour
from visualsearch.search.requests import SearchRequest

ENCODER = FakeEncoder(cells=True)
MIDDLE = (0.25, 0.25, 0.5, 0.5)


def cells(around, middle, saliency=1.0):
    """Return 4 × 4 cells of a colour with four cells of another in the middle."""
    colours = np.full((4, 4, 2, 3), around, np.uint8)
    colours[1:3, 1:3] = middle
    salient = np.full((4, 4), saliency, np.float32)
    salient[1:3, 1:3] = 1
    return Cells(values=np.zeros((4, 4, 3), np.float32), colours=colours, saliency=salient)


def test_photo_colour__of_the_subject():
    found = cells((200, 30, 30), (30, 60, 200))
    assert photo_colour(ENCODER, found, None) == "red"
    assert photo_colour(ENCODER, found, MIDDLE) == "blue"


def test_photo_colour__what_is_salient_counts_more():
    assert photo_colour(ENCODER, cells((200, 30, 30), (30, 60, 200), 0.2), None) == "blue"


def test_photo_colour__of_many_colours_is_unknown():
    found = cells((200, 30, 30), (30, 60, 200))
    found.colours[:, :, 1] = 30, 180, 40
    found.colours[0] = 250, 220, 40
    assert photo_colour(ENCODER, found, None) == ""


def test_photo_colour__without_cells_is_unknown():
    assert photo_colour(ENCODER, None, None) == ""


@pytest.mark.parametrize("cells", [True, False])
def test_search__stores_the_colour(indexed, configure, cells):
    configure(ENCODER_OPTIONS={"cells": cells})
    photo = open_photo(encoded(plain("blue")))
    by_photo.search(photo, SearchRequest(limit=1))
    assert Query.objects.get().colour == ("blue" if cells else "")
