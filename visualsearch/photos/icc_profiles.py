"""Make ICC profiles of colour spaces that a file names by codes or numbers.

So all colour conversions are done by LittleCMS. The codes are those of ITU-T H.273 (CICP), which
AVIF and HEIC ("nclx") and PNG ("cICP") use.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Chromaticity = tuple[float, float]
# Chromaticities (x, y) of red, green, blue and white.
Primaries = tuple[Chromaticity, Chromaticity, Chromaticity, Chromaticity]
# From code values 0…1, float64, to linear light 0…1, where 1 is white.
Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]

D65: Chromaticity = (0.3127, 0.3290)
BT709: Primaries = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), D65)
# H.273, table 2. Codes that are left out, such as 2 (unspecified), count as BT.709.
PRIMARIES: dict[int, Primaries] = {
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), D65),
    22: ((0.630, 0.340), (0.295, 0.605), (0.155, 0.077), D65),
}
# White point of the profile connection space, D50.
PCS = (0.9642, 1.0, 0.8249)
BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
# Luminance of diffuse white in HDR pictures, and of the brightest white of PQ and of HLG, in
# candela per square metre (ITU-R BT.2408).
WHITE, PQ_PEAK, HLG_PEAK = 203.0, 10_000.0, 1000.0


def srgb(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """Decode sRGB; see IEC 61966-2-1."""
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def power(exponent: float) -> Curve:
    """Return a curve that is a power of the code value."""
    return lambda code: code**exponent


def pq(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """Decode PQ (SMPTE ST 2084); whatever is brighter than diffuse white becomes white."""
    root = code ** (1 / 78.84375)
    light = (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (
        1 / 0.1593017578125
    )
    return np.minimum(1.0, light * PQ_PEAK / WHITE)


def hlg(code: NDArray[np.float64]) -> NDArray[np.float64]:
    """Decode HLG (ITU-R BT.2100); whatever is brighter than diffuse white becomes white."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return np.minimum(1.0, scene**1.2 * HLG_PEAK / WHITE)


# H.273, table 3. Codes that are left out, such as that of BT.709, count as sRGB: a picture is meant
# for displays, whatever its camera's curve.
CURVES: dict[int, Curve] = {4: power(2.2), 5: power(2.8), 8: power(1.0), 16: pq, 18: hlg}


def narrow(curve: Curve) -> Curve:
    """Return a curve for code values of the narrow range, in which black is 16 and white 235."""
    return lambda code: curve(np.clip((code * 255 - 16) / 219, 0, 1))


@cache
def profile_of_codes(primaries: int, transfer: int, *, full_range: bool = True) -> bytes | None:
    """Return a profile for two codes of H.273; None if they mean sRGB.

    ``full_range``: whether black is 0 and white the highest value.
    """
    space, curve = PRIMARIES.get(primaries, BT709), CURVES.get(transfer, srgb)
    if not full_range:
        return make_profile(space, narrow(curve))
    return None if space is BT709 and curve is srgb else make_profile(space, curve)


def profile_of_gamma(gamma: float, primaries: Primaries = BT709) -> bytes | None:
    """Return a profile for the numbers in a PNG; None if they are impossible.

    ``gamma``: exponent with which the file was encoded, such as 0.45455.
    """
    possible = all(0 <= x <= 1 and 0 < y <= 1 for x, y in primaries)
    if not (0.1 <= gamma <= 2 and possible):
        return None
    try:
        return make_profile(primaries, power(1 / gamma))
    except np.linalg.LinAlgError:
        return None


def make_profile(primaries: Primaries, curve: Curve) -> bytes:
    """Return the bytes of an ICC profile (ICC.1:2001-04) of an RGB space.

    Raises LinAlgError if the primaries are on a line.
    """
    codes = np.linspace(0, 1, 256)
    values = np.round(np.clip(curve(codes), 0, 1) * 65535).astype(">u2").tobytes()
    trc = b"curv" + struct.pack(">II", 0, 256) + values
    columns = to_connection_space(primaries).T
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, 2) + b"-\0" + bytes(79),
        b"cprt": b"text" + bytes(4) + b"-\0",
        b"wtpt": xyz(PCS),
        **{
            name: xyz(column)
            for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)
        },
    }
    names = [*tags, b"rTRC", b"gTRC", b"bTRC"]
    table, body = b"", b""
    for content in [*tags.values(), trc]:
        body += content.ljust(-(-len(content) // 4) * 4, b"\0")
    start, places = 128 + 4 + 12 * len(names), []
    for content in tags.values():
        places.append((start, len(content)))
        start += -(-len(content) // 4) * 4
    places += [(start, len(trc))] * 3  # one curve for the three channels
    for name, (offset, size) in zip(names, places, strict=True):
        table += struct.pack(">4sII", name, offset, size)
    content = struct.pack(">I", len(names)) + table + body
    return header(128 + len(content)) + content


def header(size: int) -> bytes:
    """Return the 128 bytes at the start of a display profile."""
    start = struct.pack(">I4sI4s4s4s", size, b"\0" * 4, 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    date = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return (start + date + b"acsp" + bytes(28) + xyz(PCS)[8:]).ljust(128, b"\0")


def xyz(values: NDArray[np.float64] | tuple[float, float, float]) -> bytes:
    """Return a tag of three numbers."""
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(float(each) * 65536) for each in values))


def to_connection_space(primaries: Primaries) -> NDArray[np.float64]:
    """Return the matrix (3, 3) from linear RGB to XYZ under D50, adapted by Bradford's method."""
    *colours, white = [np.array([x / y, 1.0, (1 - x - y) / y]) for x, y in primaries]
    columns = np.array(colours).T
    matrix = columns * np.linalg.solve(columns, white)
    gains = (BRADFORD @ np.array(PCS)) / (BRADFORD @ white)
    adapted: NDArray[np.float64] = np.linalg.solve(BRADFORD, gains[:, None] * (BRADFORD @ matrix))
    return adapted
