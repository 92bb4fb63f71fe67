import random

import pytest

from tests.helpers.odd_pictures import animated, clear_corner, held, shirt
from tests.helpers.pictures import encoded, picture
from visualsearch.exceptions import ImageCorrupt
from visualsearch.photos.avif import colour_codes, headers, largest_frame


@pytest.mark.parametrize(
    ("data", "pixels"),
    [
        (encoded(shirt(), "AVIF"), 300 * 400),
        (encoded(clear_corner(shirt()), "AVIF"), 300 * 400),
        (encoded(picture(1, (641, 479)), "AVIF", subsampling="4:4:4"), 641 * 479),
        (encoded(picture(1, (16, 16)), "AVIF", speed=10), 16 * 16),
        (animated("AVIF"), 300 * 400),
        (held(6, "AVIF"), 300 * 400),
    ],
)
def test_largest_frame(data, pixels):
    assert largest_frame(data) == pixels


def test_largest_frame__of_what_is_damaged():
    """Damaged data gives a number or an error, quickly."""
    rng, good = random.Random(3), encoded(shirt(), "AVIF")
    for _ in range(500):
        data = bytearray(good)
        for _ in range(3):
            data[rng.randrange(300)] = rng.randrange(256)
        try:
            assert largest_frame(bytes(data)) > 0
        except ImageCorrupt:
            continue


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, encoded(shirt(), "AVIF")[:200], b"\0\0\0\1meta"]
)
def test_largest_frame__of_none(data):
    with pytest.raises(ImageCorrupt):
        largest_frame(data)


def without_colr(data: bytes) -> bytes:
    """Return an AVIF whose boxes name no colours; they are in its sequence header only."""
    assert data.count(b"colrnclx") == 1
    return data.replace(b"colrnclx", b"freenclx")


@pytest.mark.parametrize("options", [{}, {"subsampling": "4:4:4"}, {"speed": 10}])
def test_colour_codes__of_the_sequence_header(options):
    data = encoded(picture(1), "AVIF", **options)
    assert colour_codes(data) == (1, 13)
    assert colour_codes(without_colr(data)) == next(headers(data)).codes == (1, 13)


def test_colour_codes__of_nothing():
    for data in (b"", b"\0" * 100, without_colr(encoded(shirt(), "AVIF"))[:200]):
        assert colour_codes(data) is None
