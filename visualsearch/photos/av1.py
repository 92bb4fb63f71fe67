"""Read the sequence headers of an AV1 stream: frame size and colours (AV1 specification, 5.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SEQUENCE_HEADER = 1
# Most units of a stream.
MAX_PARTS = 5_000
# Bytes of a header to read, and the profile whose pictures may have 12 bits.
MOST_BYTES, PROFESSIONAL = 128, 2


@dataclass(frozen=True, kw_only=True)
class SequenceHeader:
    """What a sequence header says.

    ``pixels``: of the largest frame that it allows; ``codes``: of primaries and transfer (ITU-T
    H.273), None if it has none.
    """

    pixels: int
    codes: tuple[int, int] | None


def sequence_headers(stream: bytes) -> Iterator[SequenceHeader]:
    """Yield the sequence headers of an AV1 stream.

    Raises ValueError or IndexError for a malformed stream, ValueError for one with too many units.
    """
    place = parts = 0
    while place < len(stream):
        parts += 1
        if parts > MAX_PARTS:
            raise ValueError(parts)
        head = stream[place]
        place += 2 if head & 4 else 1
        if not head & 2:  # no size field: the unit extends to the end
            size = len(stream) - place
        else:
            size, place = leb128(stream, place)
        if head >> 3 & 15 == SEQUENCE_HEADER:
            yield sequence_header(stream[place : place + min(size, MOST_BYTES)])
        place += size


def leb128(stream: bytes, place: int) -> tuple[int, int]:
    """Return the LEB128 integer (seven bits a byte) at ``place``, and the offset after it.

    Raises ValueError for a number of more than eight bytes, IndexError past the end.
    """
    value = 0
    for n in range(8):
        value |= (stream[place + n] & 127) << (7 * n)
        if stream[place + n] < 128:
            return value, place + n + 1
    raise ValueError(place)


class Bits:
    """A reader of integers with any number of bits, the most significant bit first."""

    def __init__(self, data: bytes):
        self.value, self.left = int.from_bytes(data, "big"), len(data) * 8

    def read(self, count: int) -> int:
        """Return the next ``count`` bits as a number; raise ValueError past the end."""
        self.left -= count
        if self.left < 0:
            raise ValueError("too short")
        return self.value >> self.left & (1 << count) - 1


def sequence_header(unit: bytes) -> SequenceHeader:
    """Return what a sequence header says (5.5.1); raise ValueError if its size is missing."""
    bits = Bits(unit)
    profile = bits.read(3)
    bits.read(1)  # still picture
    reduced = bool(bits.read(1))
    if reduced:
        bits.read(5)
    else:
        operating_points(bits)
    wide, high = bits.read(4) + 1, bits.read(4) + 1
    pixels = (bits.read(wide) + 1) * (bits.read(high) + 1)
    try:
        tools(bits, reduced=reduced)
        codes = colours(bits, profile)
    except ValueError:  # the decoder may still read it
        codes = None
    return SequenceHeader(pixels=pixels, codes=codes)


def tools(bits: Bits, *, reduced: bool) -> None:
    """Skip the fields between frame size and colours (5.5.1); ``reduced``: of a short header."""
    if not reduced and bits.read(1):  # frame numbers
        bits.read(7)
    bits.read(3)
    if not reduced:
        bits.read(4)
        ordered = bits.read(1)
        if ordered:
            bits.read(2)
        # Screen content tools, and integer motion vectors: chosen by each frame, or fixed.
        if (bits.read(1) or bits.read(1)) and not bits.read(1):
            bits.read(1)
        if ordered:
            bits.read(3)
    bits.read(3)


def colours(bits: Bits, profile: int) -> tuple[int, int] | None:
    """Return the codes of primaries and transfer (5.5.2), None without any."""
    deep = bits.read(1)
    if profile == PROFESSIONAL and deep:
        bits.read(1)
    if profile != 1:
        bits.read(1)  # without colours
    return (bits.read(8), bits.read(8)) if bits.read(1) else None


def operating_points(bits: Bits) -> None:
    """Skip timing, decoder model and operating points of a sequence header (AV1 spec, 5.5.1)."""
    delay = 0
    if bits.read(1):  # timing
        bits.read(64)
        if bits.read(1):
            zeros = 0
            while not bits.read(1):
                zeros += 1
            bits.read(zeros)
        if bits.read(1):  # decoder model
            delay = bits.read(5) + 1
            bits.read(42)
    display = bits.read(1)
    for _ in range(bits.read(5) + 1):
        bits.read(12)
        if bits.read(5) > 7:
            bits.read(1)
        if delay and bits.read(1):
            bits.read(2 * delay + 1)
        if display and bits.read(1):
            bits.read(4)
