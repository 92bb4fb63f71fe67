"""Colour profiles, made by numbers."""

from __future__ import annotations

import io
import struct
from itertools import product

from PIL import Image, ImageCms

from visualsearch.photos.icc_profiles import header


def cmyk_profile() -> bytes:
    """Return an ICC profile of a printer whose inks darken a little less than their names say.

    A table of two levels per ink, to Lab (ICC.1:2001-04, lut8Type).
    """
    ramp = bytes(range(256))
    grid = b""
    for c, m, y, k in product((0, 1), repeat=4):
        lightness = 255 * (1 - 0.45 * c) * (1 - 0.5 * m) * (1 - 0.1 * y) * (1 - 0.9 * k)
        grid += bytes([round(lightness), 128 - 35 * c + 75 * m, 128 - 50 * c + 90 * y])
    identity = struct.pack(">9i", *(65536 * (n % 4 == 0) for n in range(9)))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + grid + ramp * 3
    tags = {
        b"desc": b"desc" + struct.pack(">II", 0, 2) + b"-\0" + bytes(79),
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061),
        b"A2B0": table,
    }
    directory, body = b"", b""
    for name, content in tags.items():
        place = 128 + 4 + 12 * len(tags) + len(body)
        directory += struct.pack(">4sII", name, place, len(content))
        body += content.ljust(-(-len(content) // 4) * 4, b"\0")
    whole = struct.pack(">I", len(tags)) + directory + body
    start = bytearray(header(128 + len(whole)))
    start[12:24] = b"prtrCMYKLab "
    return bytes(start) + whole


def converted(image: Image.Image, source: bytes | None, target: bytes | None) -> Image.Image:
    """Convert an image between two profiles, None for sRGB, as an image editor does."""
    start, end = [
        ImageCms.ImageCmsProfile(io.BytesIO(each) if each else ImageCms.createProfile("sRGB"))
        for each in (source, target)
    ]
    result = ImageCms.profileToProfile(
        image,
        start,
        end,
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        "RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert result is not None
    result.info = {}  # the encoder would write its profile
    return result
