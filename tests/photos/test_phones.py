"""Test a file of each kind that phones and cameras write; docs/photos.md lists them."""

from __future__ import annotations

import io
import struct

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from tests.helpers.pictures import encoded, picture, plain
from visualsearch.exceptions import ImageTooManyPixels
from visualsearch.photos.avif import boxes, clean_aperture
from visualsearch.photos.decode import Limits, open_photo
from visualsearch.photos.format_limits import with_heic

LIMITS = Limits(formats=with_heic())
SCENE = picture(5, (400, 300))


def difference(data: bytes, wanted: Image.Image = SCENE) -> float:
    found = open_photo(data, limits=LIMITS).image
    assert found.size == wanted.size
    return float(np.abs(np.asarray(found, float) - np.asarray(wanted, float)).mean())


def test_ultra_hdr_jpeg__its_base_picture_is_used():
    """A JPEG, and behind it a second one with the gain map."""
    gain_map = encoded(plain("white", (100, 75)).convert("L"))
    assert difference(encoded(SCENE, quality=95) + gain_map) < 2


def test_multi_picture_jpeg__its_first_picture_is_used():
    out = io.BytesIO()
    SCENE.save(out, "MPO", save_all=True, append_images=[plain("red", (200, 150))], quality=95)
    assert difference(out.getvalue()) < 2
    assert open_photo(out.getvalue()).warnings == ()


def test_motion_photo__its_film_is_ignored():
    film = struct.pack(">I4s4sI", 16, b"ftyp", b"mp42", 0) + bytes(5000)
    data = encoded(SCENE, quality=95) + film
    assert difference(data) < 2
    assert open_photo(data).warnings == ()


def heic(image: Image.Image, **options) -> bytes:
    return encoded(image, "HEIF", quality=95, **options)


def test_heic__with_a_thumbnail_and_a_second_picture():
    file = pillow_heif.from_pillow(SCENE)
    file.add_from_pillow(plain("red", (200, 150)))
    out = io.BytesIO()
    file.save(out, quality=95, save_all=True, primary_index=0)
    assert difference(out.getvalue()) < 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["HEIF", "AVIF", "JPEG"])
def test_turned__is_upright(kind, orientation):
    """A HEIC is turned by irot and imir, a JPEG by EXIF."""
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = SCENE.transpose(inverse[orientation]) if orientation > 1 else SCENE
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = stored.copy()
    stored.info["exif"] = exif.tobytes()  # from which the encoder of HEIC writes irot and imir
    assert difference(encoded(stored, kind, quality=95, exif=exif.tobytes())) < 3


def test_heic__of_ten_bits():
    deep = np.asarray(SCENE).astype(np.uint16) << 8
    out = io.BytesIO()
    file = pillow_heif.from_bytes("RGB;16", SCENE.size, deep.tobytes())
    file.save(out, quality=95, chroma=420)
    assert difference(out.getvalue()) < 3


def test_48_megapixels__as_jpeg_but_not_as_heic():
    large = plain("red", (8064, 6048))
    assert open_photo(encoded(large), limits=LIMITS).image.size == (336, 252)
    with pytest.raises(ImageTooManyPixels):
        open_photo(heic(large, enc_params={"preset": "ultrafast"}), limits=LIMITS)


def with_clap(
    data: bytes, size: tuple[int, int], offset: tuple[int, int], *, associated: bool = True
) -> bytes:
    """Return an AVIF with a property ``clap``: a size, and an offset from the centre.

    ``associated``: whether it is one of the picture's.
    """
    numbers = [value for each in (*size, *offset) for value in (each, 1)]
    clap = struct.pack(">I4s8i", 40, b"clap", *numbers)
    found = {}

    def walk(start: int, end: int) -> None:
        for kind, first, last in boxes(data, start, end):
            found.setdefault(kind, (first, last))
            if kind in (b"meta", b"iprp"):
                walk(first + (4 if kind == b"meta" else 0), last)

    walk(0, len(data))
    index = len(list(boxes(data, *found[b"ipco"]))) + 1
    ipma = bytearray(data[found[b"ipma"][0] - 8 : found[b"ipma"][1]])
    if associated:
        ipma[18] += 1  # associations of the first item
        ipma[19:19] = bytes([0x80 | index])
    struct.pack_into(">I", ipma, 0, len(ipma))
    end = found[b"ipco"][1]
    grown = bytearray(data[: found[b"iprp"][1]])
    grown[found[b"ipma"][0] - 8 : found[b"ipma"][1]] = ipma
    grown[end:end] = clap
    added = len(grown) - found[b"iprp"][1]
    for kind, more in ((b"ipco", 40), (b"iprp", added), (b"meta", added)):
        place = found[kind][0] - 8
        struct.pack_into(">I", grown, place, struct.unpack_from(">I", grown, place)[0] + more)
    whole = bytes(grown) + data[found[b"iprp"][1] :]
    first, last = found[b"iloc"]
    place = whole.index(data[first - 4 : last][:4], 0) + 4
    moved = bytearray(whole)
    extent = place + 4 + 2 + 2 + 2 + 2 + 2  # version, sizes, count, item, reference, extents
    struct.pack_into(">I", moved, extent, struct.unpack_from(">I", moved, extent)[0] + added)
    return bytes(moved)


def test_avif__clean_aperture():
    data = with_clap(encoded(SCENE, "AVIF", quality=95, subsampling="4:4:4"), (200, 100), (50, -20))
    assert clean_aperture(data, SCENE.size) == (150, 80, 350, 180)
    assert difference(data, SCENE.crop((150, 80, 350, 180))) < 3


def test_avif__clean_aperture_of_another_picture():
    data = encoded(SCENE, "AVIF", quality=95)
    assert difference(with_clap(data, (200, 100), (0, 0), associated=False)) < 4


@pytest.mark.parametrize(
    ("size", "offset"), [((500, 100), (0, 0)), ((100, 100), (300, 0)), ((0, 0), (0, 0))]
)
def test_avif__absurd_clean_aperture_is_ignored(size, offset):
    data = with_clap(encoded(SCENE, "AVIF", quality=95), size, offset)
    assert clean_aperture(data, SCENE.size) is None
    assert difference(data) < 4


def test_avif__sequence():
    out = io.BytesIO()
    SCENE.save(out, "AVIF", save_all=True, append_images=[plain("red", SCENE.size)], quality=95)
    assert difference(out.getvalue()) < 4
    assert open_photo(out.getvalue()).warnings == ("animation_first_frame",)
