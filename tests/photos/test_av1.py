import pytest

from visualsearch.photos.av1 import Bits, sequence_headers


def stream(bits: str) -> bytes:
    """Return a temporal delimiter and a sequence header of these bits."""
    bits += "0" * (-len(bits) % 8)
    header = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return b"\x12\0" + bytes([0x0A, len(header)]) + header


# Every optional part up to the frame size (AV1 specification, 5.5.1).
LONG = "00000"  # profile, still picture, reduced
LONG += "1" + "0" * 64 + "1" + "00101"  # timing; equal intervals, of 4 ticks
LONG += "1" + "00100" + "0" * 32 + "0" * 10  # a model, with delays of 5 bits
LONG += "1" + "00001"  # display delays; two operating points
LONG += "0" * 12 + "01001" + "1" + "1" + "0" * 11 + "1" + "0000"
LONG += "0" * 12 + "00111" + "0" + "0"
SIZE = "1010" + "1001" + format(1919, "011b") + format(799, "010b")
TOOLS = "000" + "0000"  # of all frames, and of films
# Primaries and transfer, and a header's end that says them, of eight bits with colours.
BT2020 = 9, 16
CODES = "0" + "0" + "1" + "".join(format(code, "08b") for code in BT2020)


@pytest.mark.parametrize(
    ("bits", "codes"),
    [
        (LONG + SIZE, None),  # which ends too early
        # Frame numbers, an order of frames, tools that each frame chooses.
        (LONG + SIZE + "10000000" + TOOLS + "1" + "00" + "1" + "1" + "000" + "000" + CODES, BT2020),
        (LONG + SIZE + "0" + TOOLS + "0" + "0" + "0" + "000" + CODES, BT2020),
        (LONG + SIZE + "0" + TOOLS + "0" + "0" + "1" + "0" + "1" + "000" + CODES, BT2020),
        # A reduced header, of profile 0, of 1 (no bit for "without colours") and of 2 (12 bits).
        ("000" + "11" + "00000" + SIZE + "000" + "000" + CODES, BT2020),
        ("001" + "11" + "00000" + SIZE + "000" + "000" + CODES[1:], BT2020),
        ("010" + "11" + "00000" + SIZE + "000" + "000" + "11" + CODES[1:], BT2020),
        ("000" + "11" + "00000" + SIZE + "000" + "000" + "000" + "0" * 30, None),
    ],
)  # fmt: skip
def test_sequence_headers(bits, codes):
    (header,) = sequence_headers(stream(bits))
    assert (header.pixels, header.codes) == (1920 * 800, codes)


def test_sequence_headers__too_many_units():
    with pytest.raises(ValueError, match="5001"):
        list(sequence_headers(b"\x12\0" * 6000))


def test_bits__end():
    bits = Bits(b"\xa5")
    assert [bits.read(1), bits.read(3), bits.read(4)] == [1, 2, 5]
    with pytest.raises(ValueError, match="short"):
        bits.read(1)
