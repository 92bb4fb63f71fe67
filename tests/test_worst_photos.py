"""The most laborious photos that are allowed, decoded in a process of their own.

Less than a second of one core, and less than 300 MB: many customers may send one at a time.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pictures import chunk, encoded
from visualsearch.containers import colours
from visualsearch.exceptions import ImageCorrupt, ImageTooManyPixels
from visualsearch.formats import with_heic
from visualsearch.photos import Limits, open_photo

SECONDS, MEGABYTES = 1.0, 300
MAX_BYTES = 12_000_000
LIMITS = Limits(formats=with_heic())


def size(megapixels: float) -> tuple[int, int]:
    """3:2, and so many megapixels at most."""
    height = int((megapixels * 1e6 / 1.5) ** 0.5) // 2 * 2
    return height * 3 // 2, height


def noise(megapixels: float, mode: str = "RGB", grain: int = 8) -> Image.Image:
    """Random colours, ``grain`` pixels wide: the finer, the more there is to decode."""
    width, height = size(megapixels)
    rng = np.random.default_rng(0)
    shape = (height // grain + 1, width // grain + 1, len(Image.new(mode, (1, 1)).getbands()))
    small = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8).squeeze(), mode)
    return small.resize((width, height), Image.Resampling.BILINEAR)


def slope(megapixels: float, channels: int) -> Image.Image:
    """Colours that change everywhere, and yet can be compressed."""
    width, height = size(megapixels)
    ramp = np.arange(width)[None, :] + 3 * np.arange(height)[:, None]
    stack = np.stack([(ramp * (n + 1)).astype(np.uint8) for n in range(channels)], 2)
    return Image.fromarray(stack.squeeze())


def sixteen_bits(megapixels: float) -> Image.Image:
    width, height = size(megapixels)
    ramp = np.arange(width)[None, :] * 5 + np.arange(height)[:, None]
    return Image.fromarray(ramp.astype(np.uint16))


def interlaced_png(megapixels: float) -> bytes:
    """RGBA in the seven passes of Adam7."""
    width, height = size(megapixels)
    packer, parts = zlib.compressobj(1), []
    for x, y, across, down in (
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):  # fmt: skip
        row = b"\x04" + bytes(range(1, 5)) * ((width - x + across - 1) // across)
        parts += [packer.compress(row) for _ in range(y, height, down)]
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 1)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", b"".join([*parts, packer.flush()]))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def fast() -> dict[str, object]:
    """Options for who encodes HEIC; anew each time, for the encoder adds to them."""
    return {"enc_params": {"preset": "ultrafast"}}


WORST = {
    "jpeg": lambda: encoded(noise(50), quality=50),
    "jpeg-full-size-part": lambda: encoded(noise(50), quality=50),
    "jpeg-cmyk": lambda: encoded(noise(50, "CMYK", 16), quality=30),
    "jpeg-progressive": lambda: encoded(noise(30), quality=70, progressive=True, subsampling=0),
    "jpeg-progressive-cmyk": lambda: encoded(
        noise(30, "CMYK"), quality=47, progressive=True, subsampling=0
    ),
    "png": lambda: encoded(slope(30, 3), "PNG", compress_level=1),
    "png-rgba": lambda: encoded(slope(30, 4), "PNG", compress_level=1),
    "png-interlaced": lambda: interlaced_png(30),
    "png-16-bit": lambda: encoded(sixteen_bits(30), "PNG", compress_level=1),
    "webp": lambda: encoded(noise(16, grain=5), "WEBP", quality=90, method=0),
    "webp-lossless": lambda: encoded(slope(16, 4), "WEBP", lossless=True, method=0, quality=0),
    "gif": lambda: encoded(slope(50, 1).convert("P"), "GIF"),
    "bmp": lambda: encoded(Image.new("1", size(50)), "BMP"),
    "avif": lambda: encoded(
        noise(16, grain=4), "AVIF", speed=10, quality=85, subsampling="4:4:4"
    ),
    "heic": lambda: encoded(noise(25), "HEIF", quality=66, **fast()),
    "heic-full-colour": lambda: encoded(noise(16), "HEIF", quality=70, chroma=444, **fast()),
}  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured as Linux gives it")
@pytest.mark.parametrize("name", WORST)
def test_worst_photo__costs_little(name, tmp_path):
    with_heic()
    data = WORST[name]()
    assert len(data) <= MAX_BYTES
    path = tmp_path / name
    path.write_bytes(data)
    command = [sys.executable, "-m", "tests.worst_photo", str(path)]
    if name == "jpeg-full-size-part":
        command.append("0.4,0.4,0.03,0.03")
    root = Path(__file__).resolve().parent.parent
    # The first time, its files are read from the disk.
    runs = [subprocess.run(command, cwd=root, capture_output=True, text=True) for _ in range(2)]
    costs = [[float(each) for each in run.stdout.split()] for run in runs]
    assert all(costs), runs[0].stderr
    seconds, megabytes = min(costs)
    print(f"{name}: {len(data) / 1e6:.1f} MB, {seconds:.2f} s, {megabytes:.0f} MB")
    assert seconds < SECONDS
    assert megabytes < MEGABYTES


@pytest.mark.parametrize(
    ("kind", "megapixels", "options"),
    [
        ("JPEG", 30, {"progressive": True}),
        ("PNG", 30, {"compress_level": 1}),
        ("WEBP", 16, {"method": 0, "quality": 0}),
        ("AVIF", 16, {"speed": 10}),
        ("HEIF", 25, fast()),
        ("HEIF", 16, {"chroma": 444, **fast()}),
    ],
)
def test_open_photo__formats_have_ceilings_of_their_own(kind, megapixels, options):
    width, height = size(megapixels)
    with_heic()
    data = encoded(Image.new("RGB", (width + 16, height + 16)), kind, **options)
    with pytest.raises(ImageTooManyPixels, match=f"than {megapixels} megapixels"):
        open_photo(data, limits=LIMITS)


def test_open_photo__a_frame_that_is_larger_than_its_file_says():
    """The container's word is what a decoder tells, and the frame is what it decodes."""
    data = bytearray(encoded(Image.new("RGB", size(30)), "AVIF", speed=10))
    place = data.index(b"ispe") + 8
    data[place : place + 8] = struct.pack(">II", 640, 480)
    with pytest.raises(ImageTooManyPixels, match="16 megapixels"):
        open_photo(bytes(data), limits=LIMITS)
    data = bytearray(encoded(Image.new("RGB", size(20)), "HEIF", **fast()))
    place = data.index(b"ispe") + 8
    data[place : place + 8] = struct.pack(">II", 640, 480)
    with pytest.raises(ImageCorrupt):
        open_photo(bytes(data), limits=LIMITS)


def many_scans() -> bytes:
    """A progressive JPEG whose last scan comes again and again: 32 s for 300 kB, if one let it."""
    data = encoded(Image.new("L", size(29), 128), progressive=True)
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 1000 + b"\xff\xd9"


def many_markers() -> bytes:
    data = encoded(Image.new("RGB", (64, 64)))
    return data[:2] + b"\xff\xe5\x00\x02" * 2_900_000 + data[2:]


def endless_padding() -> bytes:
    """5 s; and half a minute for 80 kB while a marker was looked for from each byte anew."""
    return b"\xff\xd8" + b"\xff" * (MAX_BYTES - 2)


def much_between_segments() -> bytes:
    data = encoded(Image.new("RGB", (64, 64)))
    return data[:20] + bytes(MAX_BYTES - len(data)) + data[20:]


def many_chunks() -> bytes:
    data = encoded(Image.new("RGB", (64, 64)), "PNG")
    return data[:33] + chunk(b"teSt", b"") * 900_000 + data[33:]


def many_blocks() -> bytes:
    data = encoded(Image.new("L", (64, 64)), "GIF")
    start = 13 + colours(data[10:11])
    return data[:start] + b"\x21\xfe" + b"\x01a" * 5_500_000 + b"\0" + data[start:]


def many_runs() -> bytes:
    """A BMP of 4 megapixels in runs of one pixel each."""
    runs = b"\x01\x05" * 4_000_000 + b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, 2000, 2000, 1, 8, 1, len(runs), 0, 0, 256, 0)
    offset = 14 + 40 + 1024
    return (
        b"BM" + struct.pack("<IHHI", offset + len(runs), 0, 0, offset) + head + bytes(1024) + runs
    )


@pytest.mark.parametrize(
    "make",
    [
        many_scans,
        many_markers,
        endless_padding,
        much_between_segments,
        many_chunks,
        many_blocks,
        many_runs,
    ],
)
def test_open_photo__much_work_in_few_bytes(make, tmp_path):
    data = make()
    assert len(data) <= MAX_BYTES
    with pytest.raises(ImageCorrupt):
        open_photo(data, limits=LIMITS)
    path = tmp_path / "photo"
    path.write_bytes(data)
    code = (
        "import sys, time; from visualsearch.photos import *\n"
        "data = open(sys.argv[1], 'rb').read()\n"
        "start = time.process_time()\n"
        "try: open_photo(data)\n"
        "except ImageCorrupt: print(time.process_time() - start)"
    )
    root = Path(__file__).resolve().parent.parent
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=root, capture_output=True, text=True
    )
    assert float(run.stdout) < 0.3, run.stderr


def test_open_photo__what_cameras_and_programs_write_is_not_too_much():
    """Structures are counted, and those of real files are far from where that ends."""
    rng = np.random.default_rng(0)
    grain = Image.fromarray(rng.integers(0, 256, (1500, 2000, 3), dtype=np.uint8))
    for kind in ("PNG", "GIF", "BMP"):
        open_photo(encoded(grain, kind), limits=LIMITS)
    open_photo(encoded(grain, progressive=True, quality=95), limits=LIMITS)
    open_photo(encoded(grain, quality=95, restart_marker_blocks=1), limits=LIMITS)
