import numpy as np

from tests.helpers.pictures import picture, plain
from visualsearch.encoders.fake import FakeEncoder


def test_encode__unit_length_and_probabilities():
    encoding = FakeEncoder().encode([picture(1), picture(2)])
    assert np.allclose(np.linalg.norm(encoding.embeddings, axis=1), 1)
    assert np.allclose(encoding.probabilities.sum(1), 1)


def test_encode__alike_pictures_are_near():
    a, b, other = FakeEncoder().encode([picture(1), picture(1).rotate(2), picture(2)]).embeddings
    assert a @ b > a @ other


def test_encode__classes_follow_the_colour():
    encoder = FakeEncoder()
    for colour in encoder.labels:
        best = encoder.encode([plain(colour)]).probabilities[0].argmax()
        assert encoder.labels[best] == colour
