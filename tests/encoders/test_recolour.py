import numpy as np
import pytest
from PIL import Image

from tests.helpers.pictures import picture, plain
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.fake import FakeEncoder
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.encoders.recolour import colour_place, recolour

RED, NAVY = (186, 32, 40), (30, 38, 68)


@pytest.fixture(scope="module")
def encoder():
    return OnnxEncoder(SHIPPED_MODEL)


def thing(colour):
    """A plain thing on white."""
    image = plain("white", (224, 224))
    image.paste(Image.new("RGB", (120, 150), colour), (50, 40))
    return image


def test_recolour__only_the_colour_part_changes(encoder):
    before = encoder.encode([picture(4)]).embeddings[0]
    after = recolour(encoder, before, RED)
    changed = np.flatnonzero(before != after)
    place = colour_place(encoder)
    assert place.start <= changed.min() <= changed.max() < place.stop
    assert np.linalg.norm(after) == pytest.approx(1, abs=1e-3)


def test_recolour__comes_near_the_thing_in_that_colour(encoder):
    red, navy = encoder.encode([thing(RED), thing(NAVY)]).embeddings
    wanted = recolour(encoder, red, NAVY)
    assert wanted @ navy > red @ navy
    assert wanted @ navy > wanted @ red


def test_recolour__an_encoder_without_colour_part():
    encoder = FakeEncoder()
    before = encoder.encode([picture(4)]).embeddings[0]
    assert recolour(encoder, before, RED) is before
