import hashlib

import numpy as np

from ml_models.lab.photos import duplicates
from tests.helpers.pictures import picture, plain


def test_near_pairs__all_of_many_in_blocks(monkeypatch):
    """Comparing in blocks finds the same pairs as comparing all rows at once."""
    monkeypatch.setattr(duplicates, "ROWS_AT_ONCE", 4)
    grey = np.stack([duplicates.thumbnail(picture(n % 7)) for n in range(15)])
    pairs = {(i, j) for i, j, _ in duplicates.near_pairs(grey)}
    assert pairs == {(i, j) for j in range(15) for i in range(j) if (j - i) % 7 == 0}


def test_near_pairs__noise_of_plain_pictures():
    """Plain pictures with a vignette of less than one grey level are not duplicates."""
    faint = duplicates.thumbnail(picture(1)) / 500
    assert list(duplicates.near_pairs(np.stack([faint + 200, faint + 100]))) == []


def test_near_pairs__one_texture_in_other_light():
    """A weave lit from the left and from the right has equal edges but other grey levels."""
    weave = np.indices((32, 32)).sum(0) % 2 * 60.0
    light = np.tile(np.linspace(-90, 90, 32), (32, 1))
    grey = np.stack([weave + light, weave - light, weave + light]).astype(np.float32)
    assert [(i, j) for i, j, _ in duplicates.near_pairs(grey)] == [(0, 2)]


def test_same_pictures__plain_ones_by_their_bytes():
    grey = np.stack([duplicates.thumbnail(plain("white"))] * 3)
    hashes = [hashlib.sha256(name).hexdigest() for name in (b"a", b"b", b"a")]
    assert duplicates.same_pictures(hashes, grey) == [([0, 2], 1.0)]
