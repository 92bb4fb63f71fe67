from __future__ import annotations

import numpy as np

from tests.helpers.pictures import encoded, picture, plain
from visualsearch.photos.picture_traits import class_traits, traits_of


def test_traits__side_is_that_of_the_file_not_of_the_decoded_image():
    file = picture(1, (300, 500))
    assert traits_of(encoded(file), file.resize((60, 100)))["side"] == 300


def test_traits__of_a_file_that_only_a_plugin_opens():
    assert traits_of(b"not for Pillow", picture(1, (60, 100)))["side"] == 60


def test_contrast__tells_blank_pictures():
    blank, full = plain("white"), picture(1)
    assert traits_of(encoded(blank), blank)["contrast"] == 0
    assert traits_of(encoded(full), full)["contrast"] > 10


def test_class__is_the_most_probable_one():
    found = class_traits(["hat", "shirt"], np.array([0.25, 0.75], np.float32))
    assert found == {"label": "shirt", "probability": 0.75}
