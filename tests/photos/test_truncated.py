"""Files whose end is missing, and files with more than their picture."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.helpers.cut_pictures import interlaced
from tests.helpers.pictures import chunk, encoded, picture
from visualsearch.exceptions import ImageCorrupt
from visualsearch.photos.decode import open_photo

WHOLE = picture(3, (400, 300))
TRUNCATED = ("image_truncated",)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def textured(size: tuple[int, int] = (400, 300)) -> Image.Image:
    """Return a picture with detail everywhere, so that each row takes as many bytes."""
    noise = np.random.default_rng(1).integers(0, 60, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(np.asarray(picture(3, size)) // 2 + noise)


def difference(image: Image.Image, other: Image.Image, share: float = 1.0) -> float:
    """Return the mean difference of the upper rows of two images."""
    rows = round(share * other.height)
    off = np.asarray(image, float)[:rows] - np.asarray(other, float)[:rows]
    return float(np.abs(off).mean())


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
@pytest.mark.parametrize("missing", [1, 2, 3, 10])
def test_jpeg__without_its_last_bytes(options, missing):
    data = encoded(WHOLE, quality=90, **options)
    photo = open_photo(data[:-missing])
    assert photo.warnings == TRUNCATED
    assert difference(photo.image, open_photo(data).image) < 1.5


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 4}])
@pytest.mark.parametrize("share", [0.8, 0.85, 0.93, 0.97, 0.999])
def test_jpeg__cut_past_80_percent(options, share):
    data = encoded(textured(), quality=90, **options)
    photo = open_photo(data[: int(len(data) * share)])
    assert photo.warnings == TRUNCATED
    assert photo.image.size == (400, 300)
    assert difference(photo.image, open_photo(data).image, share - 0.1) < 6


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_jpeg__cut_early(share):
    data = encoded(textured(), quality=90)
    with pytest.raises(ImageCorrupt):
        open_photo(data[: int(len(data) * share)])


@pytest.mark.parametrize("share", [0.05, 0.1])
def test_jpeg__progressive_without_brightness(share):
    data = encoded(textured(), quality=90, progressive=True)
    with pytest.raises(ImageCorrupt):
        open_photo(data[: int(len(data) * share)])


def test_jpeg__cut_at_each_byte_of_its_end():
    """Also within the headers of scans, where segments have lost their length."""
    data = encoded(picture(3, (64, 64)), quality=50, progressive=True)
    for end in range(len(data) // 4, len(data)):
        try:
            warnings = open_photo(data[:end]).warnings
        except ImageCorrupt:
            continue
        assert warnings == TRUNCATED, end
    assert open_photo(data).warnings == ()


def test_jpeg__large_one_is_not_decoded_in_full():
    data = encoded(WHOLE.resize((4000, 3000)), quality=70)
    assert open_photo(data[:-2]).image.size == (500, 375)


CLOSED = [{}, {"restart_marker_blocks": 4}, {"subsampling": 0}, {"quality": 40}]


@pytest.mark.parametrize("options", CLOSED)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("share", [0.8, 0.9, 0.97])
def test_jpeg__cut_and_given_an_end_marker(options, mode, share):
    data = encoded(textured().convert(mode), **{"quality": 90, **options})
    cut = data[: int(len(data) * share)]
    for behind in (b"", b"and a film"):
        photo = open_photo(cut + b"\xff\xd9" + behind)
        assert photo.warnings == TRUNCATED
        assert difference(photo.image, open_photo(data).image, share - 0.1) < 6


def test_jpeg__cut_early_and_given_an_end_marker():
    data = encoded(textured(), quality=90)
    with pytest.raises(ImageCorrupt):
        open_photo(data[: len(data) * 3 // 10] + b"\xff\xd9")


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg__complete_and_grey_below(mode):
    """Grey is not enough to count as cut."""
    image = textured()
    image.paste((128, 128, 128), (0, 150, 400, 300))
    data = encoded(image.convert(mode), quality=90)
    assert np.isin(np.asarray(Image.open(io.BytesIO(data)))[-1, -1], (127, 128)).sum() >= 1
    assert open_photo(data).warnings == ()
    assert open_photo(encoded(Image.new(mode, (64, 64), (128,) * len(mode)))).warnings == ()


def channels(image: Image.Image, kind: str) -> tuple[np.ndarray, int, int]:
    """Return pixels for :func:`interlaced`, with bits and colour type; ``kind``: of pixels."""
    if kind == "16-bit grey":
        grey = np.asarray(image.convert("L"), np.uint16) * 257
        return grey.astype(">u2")[..., None].view(np.uint8), 16, 0
    mode, colour = {"grey": ("L", 0), "RGB": ("RGB", 2), "RGBA": ("RGBA", 6)}[kind]
    pixels = np.asarray(image.convert(mode))
    return pixels.reshape(*pixels.shape[:2], -1), 8, colour


@pytest.mark.parametrize("kind", ["grey", "16-bit grey", "RGB", "RGBA"])
@pytest.mark.parametrize("share", [0.7, 0.8, 0.95, 0.999])
def test_png__interlaced_and_cut(kind, share):
    data = interlaced(*channels(WHOLE, kind))
    whole = open_photo(data)
    photo = open_photo(data[: int(len(data) * share)])
    assert (whole.warnings, photo.warnings) == ((), TRUNCATED)
    assert difference(photo.image, whole.image) < 1.5
    rows = np.abs(np.asarray(photo.image, float) - np.asarray(whole.image, float))
    assert rows.mean((1, 2)).max() < 8


def test_png__interlaced_and_cut_early():
    data = interlaced(*channels(textured(), "RGB"))
    for share in (0.2, 0.4):
        with pytest.raises(ImageCorrupt):
            open_photo(data[: int(len(data) * share)])


def test_png__without_its_end():
    data = encoded(WHOLE, "PNG")
    photo = open_photo(data[:-200])
    assert photo.warnings == TRUNCATED
    assert difference(photo.image, WHOLE, 0.9) == 0


def test_png__cut_past_80_percent_and_early():
    data = encoded(textured(), "PNG")
    photo = open_photo(data[: int(len(data) * 0.85)])
    assert difference(photo.image, textured(), 0.8) == 0
    for share in (0.2, 0.5):
        with pytest.raises(ImageCorrupt):
            open_photo(data[: int(len(data) * share)])


def test_png__without_its_middle():
    data = encoded(textured(), "PNG")
    with pytest.raises(ImageCorrupt):
        open_photo(data[: len(data) * 7 // 10] + data[len(data) * 8 // 10 :])


def test_webp__without_its_end():
    with pytest.raises(ImageCorrupt):
        open_photo(encoded(WHOLE, "WEBP")[:-50])


def test_png__texts_are_not_read():
    data = encoded(WHOLE, "PNG")
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000)))
    assert difference(open_photo(data[:33] + text + data[33:]).image, WHOLE) == 0


@pytest.mark.parametrize("kind", [b"tEXt", b"gAMA", b"pHYs", b"abCd"])
def test_png__ancillary_chunk_with_a_wrong_checksum(kind):
    data = encoded(WHOLE, "PNG")
    broken = chunk(kind, b"\0\0\0\1")[:-1] + b"!"
    assert difference(open_photo(data[:33] + broken + data[33:]).image, WHOLE) == 0


@pytest.mark.parametrize("kind", [b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"acTL", b"iCCP"])
def test_png__ancillary_chunk_that_is_too_short(kind):
    data = encoded(WHOLE, "PNG")
    assert difference(open_photo(data[:33] + chunk(kind, b"") + data[33:]).image, WHOLE) == 0


def test_png__critical_chunk_with_a_wrong_checksum():
    data = encoded(WHOLE, "PNG")
    place = data.index(b"IHDR") + 17
    with pytest.raises(ImageCorrupt):
        open_photo(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])


def test_png__huge_profile():
    data = encoded(WHOLE, "PNG")
    profile = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(5_000_000)))
    assert difference(open_photo(data[:33] + profile + data[33:]).image, WHOLE) == 0


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_png__transparent_grey(depth):
    """The background has the value 1 and is transparent, so it becomes white; the square is 0."""
    side, most = 32, 2**depth - 1
    values = np.full((side, side), most if depth == 1 else 1, np.uint32)
    values[8:24, 8:24] = 0
    transparent = int(values[0, 0])
    bits = (values[..., None] >> np.arange(depth)[::-1] & 1).astype(np.uint8)
    rows = np.packbits(bits.reshape(side, -1), axis=1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    header = side.to_bytes(4, "big") * 2 + bytes([depth, 0, 0, 0, 0])
    parts = [
        chunk(b"IHDR", header),
        chunk(b"tRNS", transparent.to_bytes(2, "big")),
        chunk(b"IDAT", zlib.compress(raw)),
        chunk(b"IEND", b""),
    ]
    found = np.asarray(open_photo(SIGNATURE + b"".join(parts)).image)
    assert found[0, 0].tolist() == [255, 255, 255]
    assert found[16, 16].tolist() == [0, 0, 0]


def transparent_colour(*, cut: int = 0) -> np.ndarray:
    """Return a decoded PNG of 16-bit colours, whose left half has the transparent one.

    The right half differs from it in the lower byte of one channel. ``cut``: bytes missing.
    """
    colour = np.array([0x1234, 0x5678, 0x9ABC], ">u2")
    pixels = np.tile(colour, (32, 40, 1))
    pixels[:, 20:, 1] += 1
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    parts = [
        chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 32, 16, 2, 0, 0, 0)),
        chunk(b"tRNS", colour.tobytes()),
        chunk(b"IDAT", zlib.compress(rows, 0)),
        chunk(b"IEND", b""),
    ]
    data = SIGNATURE + b"".join(parts)
    return np.asarray(open_photo(data[: len(data) - cut]).image)


@pytest.mark.parametrize("cut", [0, 500])
def test_png__transparent_colour_of_16_bits(cut):
    found = transparent_colour(cut=cut)
    assert (found[:26, :20] == 255).all()
    assert (found[:26, 20:] == [0x12, 0x56, 0x9A]).all()


def test_avif__followed_by_other_bytes():
    data = encoded(WHOLE, "AVIF", quality=90)
    assert difference(open_photo(data + b"<!-- cached -->").image, open_photo(data).image) == 0
