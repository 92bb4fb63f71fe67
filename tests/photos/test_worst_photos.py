"""The most expensive allowed photos, decoded in a new process.

Seconds depend on the machine, so the cost is compared with that of a plain photo in the same
process; `python -m benchmarks.worst_photos` prints the seconds. Many clients may send such photos
at once.
"""

from __future__ import annotations

import struct
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.helpers.pictures import encoded
from tests.helpers.worst_photo import cost, decode_in_full
from tests.helpers.worst_photos import (
    CROPS,
    MAX_BYTES,
    MUCH_WORK,
    WORST,
    fast,
    size,
    transparent_colour,
    yardstick,
)
from visualsearch.exceptions import ImageCorrupt, ImageTooManyPixels
from visualsearch.photos import decode, file_structure
from visualsearch.photos.decode import Limits, identify, open_photo
from visualsearch.photos.decode_cost import memory_of
from visualsearch.photos.format_limits import with_heic

# Limits: CPU time relative to a plain 12-megapixel photo decoded in full, and MB of memory.
TIMES, MEGABYTES = 30, 300
LIMITS = Limits(formats=with_heic())


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux gives it")
@pytest.mark.parametrize("name", WORST)
def test_worst_photo__costs_little(name, tmp_path):
    with_heic()
    data = WORST[name]()
    assert len(data) <= MAX_BYTES
    found = cost(data, CROPS.get(name), tmp_path)
    assert found["times"] < TIMES, found
    assert found["megabytes"] < MEGABYTES, found
    opened = identify(data, LIMITS)
    side = LIMITS.working_side
    if crop := CROPS.get(name):
        side = round(side / min(float(part) for part in crop.split(",")[2:]))
    assert found["megabytes"] * 1e6 <= memory_of(opened, data, side), found


def test_open_photo__a_plain_photo_is_shrunk_while_it_is_decoded(monkeypatch):
    """Only a sixteenth of the pixels is decoded, which saves most of a phone photo's cost."""
    decoded, shrunk = [], decode.shrunk

    def counted(image, *args):
        decoded.append(image.width * image.height)
        return shrunk(image, *args)

    monkeypatch.setattr(decode, "shrunk", counted)
    open_photo(yardstick(), limits=LIMITS)
    assert sum(decoded) < 12e6 / 15


@pytest.mark.parametrize(
    ("kind", "megapixels", "options"),
    [
        ("JPEG", 30, {"progressive": True}),
        ("PNG", 30, {"compress_level": 1}),
        ("WEBP", 16, {"method": 0, "quality": 0}),
        ("AVIF", 14, {"speed": 10}),
        ("HEIF", 25, fast()),
        ("HEIF", 25, {"chroma": 444, **fast()}),
    ],
)
def test_open_photo__formats_have_ceilings_of_their_own(kind, megapixels, options):
    width, height = size(megapixels)
    with_heic()
    data = encoded(Image.new("RGB", (width + 16, height + 16)), kind, **options)
    with pytest.raises(ImageTooManyPixels, match=f"than {megapixels} megapixels"):
        open_photo(data, limits=LIMITS)


def test_open_photo__a_png_that_must_be_decoded_twice():
    with pytest.raises(ImageTooManyPixels, match="than 15 megapixels"):
        open_photo(transparent_colour(15.5), limits=LIMITS)


def test_open_photo__a_frame_that_is_larger_than_its_file_says():
    """A decoder reports the container's size but decodes the frame's, which may be larger."""
    data = bytearray(encoded(Image.new("RGB", size(30)), "AVIF", speed=10))
    place = data.index(b"ispe") + 8
    data[place : place + 8] = struct.pack(">II", 640, 480)
    with pytest.raises(ImageTooManyPixels, match="14 megapixels"):
        open_photo(bytes(data), limits=LIMITS)
    data = bytearray(encoded(Image.new("RGB", size(20)), "HEIF", **fast()))
    place = data.index(b"ispe") + 8
    data[place : place + 8] = struct.pack(">II", 640, 480)
    with pytest.raises(ImageCorrupt):
        open_photo(bytes(data), limits=LIMITS)


@pytest.mark.parametrize("make", MUCH_WORK)
def test_open_photo__much_work_in_few_bytes(make, monkeypatch):
    """The file is rejected before it is decoded, by a cheap check."""
    data, plain = make(), yardstick()
    assert len(data) <= MAX_BYTES
    with monkeypatch.context() as patch:
        patch.setattr(decode, "identify", lambda *args: pytest.fail("a decoder saw it"))
        with pytest.raises(ImageCorrupt):
            open_photo(data, limits=LIMITS)
    full, looks = [], []
    for _ in range(3):
        start = time.process_time()
        decode_in_full(plain)
        middle = time.process_time()
        with pytest.raises(ImageCorrupt):
            file_structure.check_structure(data)
        full.append(middle - start)
        looks.append(time.process_time() - middle)
    assert min(looks) < 5 * min(full)


def test_open_photo__what_cameras_and_programs_write_is_not_too_much():
    """Real files have far fewer structures than the limits allow."""
    rng = np.random.default_rng(0)
    grain = Image.fromarray(rng.integers(0, 256, (1500, 2000, 3), dtype=np.uint8))
    for kind in ("PNG", "GIF", "BMP"):
        open_photo(encoded(grain, kind), limits=LIMITS)
    open_photo(encoded(grain, progressive=True, quality=95), limits=LIMITS)
    open_photo(encoded(grain, quality=95, restart_marker_blocks=1), limits=LIMITS)
