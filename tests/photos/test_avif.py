import random

import pytest

from tests.helpers.odd_pictures import animated, clear_corner, held, shirt
from tests.helpers.pictures import encoded, picture
from visualsearch.exceptions import ImageCorrupt
from visualsearch.photos.avif import Bits, frames, largest_frame


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


def test_largest_frame__of_a_sequence_header_with_all_that_may_be_in_it():
    """A sequence header with every optional part (AV1 specification, 5.5.1), built by hand."""
    bits = "00000"  # profile, still picture, reduced
    bits += "1" + "0" * 64 + "1" + "00101"  # timing; equal intervals, of 4 ticks
    bits += "1" + "00100" + "0" * 32 + "0" * 10  # a model, with delays of 5 bits
    bits += "1" + "00001"  # display delays; two operating points
    bits += "0" * 12 + "01001" + "1" + "1" + "0" * 11 + "1" + "0000"
    bits += "0" * 12 + "00111" + "0" + "0"
    bits += "1010" + "1001" + format(1919, "011b") + format(799, "010b")
    bits += "0" * (-len(bits) % 8)
    header = int(bits, 2).to_bytes(len(bits) // 8, "big")
    assert list(frames(b"\x12\0" + bytes([0x0A, len(header)]) + header)) == [1920 * 800]


def test_bits__end():
    bits = Bits(b"\xa5")
    assert [bits.read(1), bits.read(3), bits.read(4)] == [1, 2, 5]
    with pytest.raises(ValueError, match="short"):
        bits.read(1)


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
