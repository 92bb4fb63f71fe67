"""The subject of a photo, found by the shipped model."""

import pytest

from ml_models.lab.drawn_people import person
from tests.lab.test_composites import lying
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.encoders.subject import suggest_box
from visualsearch.photos.decode import Photo
from visualsearch.search.encode_photo import encode_photo

PEOPLE = range(300, 312)


@pytest.fixture(scope="module")
def encoder():
    return OnnxEncoder(SHIPPED_MODEL)


def area(box):
    return box[2] * box[3]


def test_encode_photo__of_a_person_the_subject_is_a_garment(encoder):
    """The subject's box is smaller than the person."""
    narrower, worn = [], []
    for seed in PEOPLE:
        image = person(seed).image
        _, cells = encoder.see(image)
        worn.append(cells.worn)
        whole = suggest_box(cells.saliency)
        if whole is not None:
            narrower.append(area(encode_photo(encoder, Photo(image=image)).subject) / area(whole))
    assert sum(worn) / len(worn) > 0.7
    assert len(narrower) > len(PEOPLE) / 2
    assert sum(narrower) / len(narrower) < 0.8


def test_encode_photo__of_a_garment_alone_the_subject_is_what_stands_out(encoder):
    image = lying("t-shirt", colour=(180, 40, 40))[0]
    _, cells = encoder.see(image)
    assert cells.worn < 0.5
    box, subject = suggest_box(cells.saliency), encode_photo(encoder, Photo(image=image)).subject
    assert (box is None) == (subject is None)
    if subject is not None:
        assert area(subject) > 0.8 * area(box)


def test_encode_photo__without_looking_for_a_subject(encoder, settings):
    settings.VISUALSEARCH = {**settings.VISUALSEARCH, "FIND_SUBJECT": False}
    seen = encode_photo(encoder, Photo(image=person(300).image))
    assert seen.subject is None
    assert seen.cells is not None
