"""One picture, stored in many colour spaces, comes out as the same sRGB."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.helpers.pictures import chunk
from tests.helpers.profiles import cmyk_profile
from visualsearch.photos.colour import LARGE, MAX_PROFILE, conversion
from visualsearch.photos.decode import Limits, open_photo
from visualsearch.photos.format_limits import with_heic
from visualsearch.photos.icc_profiles import (
    BT709,
    PRIMARIES,
    make_profile,
    power,
    profile_of_codes,
    profile_of_gamma,
)

LIMITS = Limits(formats=with_heic())
# Linear light of sRGB's primaries as XYZ, and of Display P3's (IEC 61966-2-1; SMPTE EG 432-1).
SRGB = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
P3 = np.array([[0.4866, 0.2657, 0.1982], [0.2290, 0.6917, 0.0793], [0.0, 0.0451, 1.0439]])
BT2020 = np.array([[0.6370, 0.1446, 0.1689], [0.2627, 0.6780, 0.0593], [0.0, 0.0281, 1.0610]])


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    """Smooth colours of all hues, none at the edge of sRGB."""
    y, x = np.mgrid[0:96, 0:128]
    channels = [40 + 170 * x / 127, 40 + 170 * y / 95, 200 - 150 * (x + y) / 222]
    return Image.fromarray(np.stack(channels, -1).astype(np.uint8))


def linear(image: Image.Image) -> Any:
    code = np.asarray(image, np.float64) / 255
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def srgb_codes(light: Any) -> Any:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def stored(image: Image.Image, matrix: Any, encode: Any = srgb_codes) -> Image.Image:
    """Return an sRGB image as pixels of another space with the same white."""
    other = linear(image) @ (np.linalg.inv(matrix) @ SRGB).T
    return Image.fromarray(np.round(np.clip(encode(other), 0, 1) * 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    best = {"JPEG": {"quality": 97, "subsampling": 0}, "WEBP": {"lossless": True}}
    best |= {"AVIF": {"quality": 97, "subsampling": "4:4:4"}, "HEIF": {"quality": 97}}
    image.save(out, kind, **best.get(kind, {}), **options)
    return out.getvalue()


def difference(data: bytes, wanted: Image.Image) -> float:
    """Return the mean difference of a decoded file from an image, of its worst channel."""
    found = open_photo(data, limits=LIMITS).image
    assert found.size == wanted.size
    off = np.abs(np.asarray(found, float) - np.asarray(wanted.convert("RGB"), float))
    return float(off.mean((0, 1)).max())


def with_chunk(png: bytes, kind: bytes, content: bytes) -> bytes:
    """Return a PNG with a chunk after its header."""
    body = kind + content
    chunk = struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
    return png[:33] + chunk + png[33:]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_icc__display_p3(picture, kind):
    profile = profile_of_codes(12, 13)
    data = encoded(stored(picture, P3), kind, icc_profile=profile)
    assert difference(data, picture) <= 2
    unmanaged = encoded(stored(picture, P3), kind)
    assert difference(unmanaged, picture) > 5


@pytest.mark.parametrize(
    ("primaries", "exponent"),
    [
        (((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), (0.3127, 0.3290)), 2.2),  # Adobe RGB
        (((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), (0.3457, 0.3585)), 1.8),  # ProPhoto
    ],
)
def test_icc__cameras(picture, primaries, exponent):
    profile = make_profile(primaries, power(exponent))
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    pixels = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), own)
    assert difference(encoded(pixels, "JPEG", icc_profile=profile), picture) <= 2


@pytest.mark.parametrize("codes", [(12, 13), (9, 13), (4, 4), (1, 8)])
def test_large_image__is_converted_as_a_small_one(codes):
    """Of all colours, also next to black and white, where a sum could wrap around."""
    colours = conversion(profile_of_codes(*codes))
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (400, 300, 3), dtype=np.uint8)
    pixels[:100] = rng.choice([0, 1, 2, 3, 252, 253, 254, 255], (100, 300, 3))
    image = Image.fromarray(pixels)
    assert image.width * image.height >= LARGE
    exact = np.asarray(colours.exactly(image), int)
    off = np.abs(np.asarray(colours.to_srgb(image), int) - exact)
    step = np.abs(np.asarray(colours.exactly(Image.fromarray(pixels & 0xFC)), int) - exact)
    assert off.max() <= max(8, step.max())
    if codes == (12, 13):
        assert off.mean() < step.mean() / 2


def test_icc__grey(picture):
    """A grey image of gamma 1.0 gets lighter."""
    gamma = make_profile(BT709, power(1.0))
    grey = gamma[:16] + b"GRAY" + gamma[20:]
    grey = grey.replace(b"rTRC", b"kTRC", 1)
    data = encoded(picture.convert("L"), "PNG", icc_profile=grey)
    plain = np.asarray(picture.convert("L"), float)
    wanted = Image.fromarray(np.round(srgb_codes(plain / 255) * 255).astype(np.uint8))
    assert difference(data, wanted) <= 2


def test_icc__transparent_pixels_stay_white(picture):
    image = stored(picture, P3).convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    data = encoded(image, "PNG", icc_profile=profile_of_codes(12, 13))
    assert difference(data, Image.new("RGB", picture.size, "white")) == 0


@pytest.mark.parametrize(
    "profile",
    [
        b"",
        b"not a profile",
        bytes(128),
        b"\0" * 16 + b"RGB " + bytes(500),
        b"\0" * 16 + b"CMYK" + bytes(500),
        b"\0" * 16 + b"Lab " + bytes(500),
        make_profile(BT709, power(2.2))[:200],
        b"\0" * 16 + b"RGB " + bytes(MAX_PROFILE),
    ],
)
def test_icc__broken_profile_is_ignored(picture, profile):
    assert difference(encoded(picture, "PNG", icc_profile=profile), picture) == 0


def test_icc__printing_inks(picture):
    """LittleCMS converts the pixels that Pillow decodes, as an image editor does."""
    profile = cmyk_profile()
    data = encoded(picture.convert("CMYK"), "JPEG", icc_profile=profile)
    own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    wanted = ImageCms.profileToProfile(
        Image.open(io.BytesIO(data)),
        own,
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        "RGB",
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert difference(data, wanted) <= 1
    assert difference(encoded(picture.convert("CMYK"), "JPEG"), wanted) > 10


def test_icc__of_other_pixels_is_ignored(picture):
    data = encoded(picture.convert("CMYK"), "JPEG", icc_profile=profile_of_codes(12, 13))
    assert difference(data, picture) <= 3


def test_icc__srgb_costs_nothing():
    assert conversion(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()) is None


def test_png__cicp(picture):
    data = encoded(stored(picture, P3), "PNG")
    assert difference(with_chunk(data, b"cICP", bytes([12, 13, 0, 1])), picture) <= 2


def test_png__cicp_of_narrow_range(picture):
    """Black is 16 and white 235."""
    narrow = Image.fromarray(np.round(16 + np.asarray(picture, float) * 219 / 255).astype(np.uint8))
    data = encoded(narrow, "PNG")
    assert difference(with_chunk(data, b"cICP", bytes([1, 13, 0, 0])), picture) <= 1
    assert difference(with_chunk(data, b"cICP", bytes([1, 13, 0, 1])), picture) > 5


def test_avif__codes_in_its_stream_only(picture):
    """The stream's codes are patched to those of Display P3; the container names none."""
    data = encoded(stored(picture, P3), "AVIF").replace(b"colrnclx", b"freenclx")
    start = data.index(b"\x12\0\x0a", data.index(b"mdat")) + 4
    size = data[start - 1]
    bits = format(int.from_bytes(data[start : start + size], "big"), f"0{8 * size}b")
    srgb, p3 = (format(code, "08b") + format(13, "08b") for code in (1, 12))
    assert bits.count(srgb) == 1
    header = int(bits.replace(srgb, p3), 2).to_bytes(size, "big")
    assert difference(data, picture) > 5
    assert difference(data[:start] + header + data[start + size :], picture) <= 3


def test_png__cicp_comes_before_icc(picture):
    data = encoded(stored(picture, P3), "PNG", icc_profile=make_profile(BT709, power(1.0)))
    assert difference(with_chunk(data, b"cICP", bytes([12, 13, 0, 1])), picture) <= 2


def test_png__cicp_that_says_nothing_leaves_the_profile(picture):
    data = encoded(stored(picture, P3), "PNG", icc_profile=profile_of_codes(12, 13))
    assert difference(with_chunk(data, b"cICP", bytes([2, 2, 0, 1])), picture) <= 2


def test_icc__of_deep_grey_with_transparency(picture):
    """Pillow decodes such a PNG as RGBA."""
    values = np.asarray(picture.convert("L"), np.uint16)
    pixels = np.stack([values * 257, np.full_like(values, 65535)], -1).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    gamma = make_profile(BT709, power(1.0))
    grey = (gamma[:16] + b"GRAY" + gamma[20:]).replace(b"rTRC", b"kTRC", 1)
    head = struct.pack(">IIBBBBB", *picture.size, 16, 4, 0, 0, 0)
    parts = [
        chunk(b"IHDR", head),
        chunk(b"iCCP", b"x\0\0" + zlib.compress(grey)),
        chunk(b"IDAT", zlib.compress(rows)),
        chunk(b"IEND", b""),
    ]
    wanted = np.round(srgb_codes(values / 255) * 255).astype(np.uint8)
    data = b"\x89PNG\r\n\x1a\n" + b"".join(parts)
    assert difference(data, Image.fromarray(wanted)) <= 2


def test_png__gamma_and_chromaticity(picture):
    pixels = stored(picture, P3, lambda light: np.clip(light, 0, 1))  # linear
    numbers = [0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06]
    data = with_chunk(encoded(pixels, "PNG"), b"gAMA", struct.pack(">I", 100_000))
    rest = struct.pack(">8I", *(round(each * 100_000) for each in numbers))
    assert difference(with_chunk(data, b"cHRM", rest), picture) <= 3


@pytest.mark.parametrize("gamma", [0, 1, 45_455, 2**31])
def test_png__usual_or_absurd_gamma_changes_nothing(picture, gamma):
    data = with_chunk(encoded(picture, "PNG"), b"gAMA", struct.pack(">I", gamma))
    assert difference(data, picture) == 0


def test_profile_of_gamma__impossible_primaries():
    line = ((0.3, 0.3), (0.3, 0.3), (0.3, 0.3), (0.3, 0.3))
    assert profile_of_gamma(1.0, line) is None


@pytest.mark.parametrize("transfer", [1, 2, 6, 13, 99])
def test_codes__of_srgb(transfer):
    assert profile_of_codes(1, transfer) is None
    assert profile_of_codes(2, transfer) is None


@pytest.mark.parametrize("primaries", PRIMARIES)
def test_codes__each_profile_is_accepted(primaries):
    profile = profile_of_codes(primaries, 8)
    assert profile is not None
    assert conversion(profile) is not None


def pq_codes(light: Any) -> Any:
    """Encode light, where 1 is diffuse white of 203 cd/m², as PQ (SMPTE ST 2084)."""
    power = (np.clip(light, 0, 49) * 203 / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg_codes(light: Any) -> Any:
    """Encode the same as HLG (ITU-R BT.2100) for a display of 1,000 cd/m²."""
    scene = (np.clip(light, 0, 4.9) * 203 / 1000) ** (1 / 1.2)
    high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)


@pytest.mark.parametrize(("transfer", "encode"), [(16, pq_codes), (18, hlg_codes)])
def test_png__hdr(picture, transfer, encode):
    data = encoded(stored(picture, BT2020, encode), "PNG")
    assert difference(with_chunk(data, b"cICP", bytes([9, transfer, 0, 1])), picture) <= 4
