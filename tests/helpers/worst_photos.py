"""The most expensive photos within the limits, and small files that take excessive work."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.helpers.pictures import chunk, encoded
from visualsearch.photos.decode import Limits
from visualsearch.photos.file_structure import colours

MAX_BYTES = Limits().max_bytes


def yardstick() -> bytes:
    """Return a plain 12-megapixel photo, with which the others are compared."""
    return encoded(noise(12), quality=85)


def size(megapixels: float) -> tuple[int, int]:
    """Return (width, height) at 3:2 with at most so many megapixels."""
    height = int((megapixels * 1e6 / 1.5) ** 0.5) // 2 * 2
    return height * 3 // 2, height


def noise(megapixels: float, mode: str = "RGB", grain: int = 8) -> Image.Image:
    """Draw random colours ``grain`` pixels wide; finer grain takes more decoding."""
    width, height = size(megapixels)
    rng = np.random.default_rng(0)
    shape = (height // grain + 1, width // grain + 1, len(Image.new(mode, (1, 1)).getbands()))
    small = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8).squeeze(), mode)
    return small.resize((width, height), Image.Resampling.BILINEAR)


def slope(megapixels: float, channels: int) -> Image.Image:
    """Draw gradients: every pixel differs, but the file compresses well."""
    width, height = size(megapixels)
    ramp = np.arange(width)[None, :] + 3 * np.arange(height)[:, None]
    stack = np.stack([(ramp * (n + 1)).astype(np.uint8) for n in range(channels)], 2)
    return Image.fromarray(stack.squeeze())


def sixteen_bits(megapixels: float) -> Image.Image:
    width, height = size(megapixels)
    ramp = np.arange(width)[None, :] * 5 + np.arange(height)[:, None]
    return Image.fromarray(ramp.astype(np.uint16))


def transparent_colour(megapixels: float) -> bytes:
    """Return a PNG of 16-bit colours of which one is transparent; it is decoded twice."""
    width, height = size(megapixels)
    packer, row = zlib.compressobj(1), b"\x04" + bytes(range(1, 7)) * width
    parts = [packer.compress(row) for _ in range(height)]
    head = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"tRNS", bytes(6))
    body += chunk(b"IDAT", b"".join([*parts, packer.flush()]))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def cut(data: bytes, share: float = 0.9, end: bytes = b"") -> bytes:
    """Return the first part of a file, with other bytes at its end."""
    return data[: int(len(data) * share)] + end


def interlaced_png(megapixels: float) -> bytes:
    """Return an RGBA PNG interlaced in the seven passes of Adam7."""
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


def heic(megapixels: float, depth: int, chroma: int, quality: int) -> bytes:
    """Return a HEIC of noise with 8 or 10 bits."""
    import pillow_heif

    image, out = noise(megapixels), io.BytesIO()
    file = pillow_heif.from_pillow(image)
    if depth > 8:
        deep = np.asarray(image).astype(np.uint16) << 8
        file = pillow_heif.from_bytes("RGB;16", image.size, deep.tobytes())
    file.save(out, quality=quality, chroma=chroma, **fast())
    return out.getvalue()


def fast() -> dict[str, object]:
    """Return options of the HEIC encoder, anew each time: it adds to them."""
    return {"enc_params": {"preset": "ultrafast"}}


WORST: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: encoded(noise(50), quality=50),
    "jpeg-full-size-part": lambda: encoded(noise(50), quality=50),
    "jpeg-cmyk": lambda: encoded(noise(50, "CMYK", 16), quality=30),
    "jpeg-progressive": lambda: encoded(noise(30), quality=70, progressive=True, subsampling=0),
    "jpeg-progressive-cmyk": lambda: encoded(
        noise(30, "CMYK"), quality=47, progressive=True, subsampling=0
    ),
    "jpeg-cut": lambda: cut(encoded(noise(50), quality=50)),
    "jpeg-cut-full-size-part": lambda: cut(encoded(noise(50), quality=50)),
    "jpeg-closed-full-size-part": lambda: cut(encoded(noise(50), quality=50), end=b"\xff\xd9"),
    "jpeg-cut-progressive": lambda: cut(
        encoded(noise(30), quality=70, progressive=True, subsampling=0), 0.99
    ),
    "png": lambda: encoded(slope(30, 3), "PNG", compress_level=1),
    "png-rgba": lambda: encoded(slope(30, 4), "PNG", compress_level=1),
    "png-interlaced": lambda: interlaced_png(30),
    "png-16-bit": lambda: encoded(sixteen_bits(30), "PNG", compress_level=1),
    "png-16-bit-transparent": lambda: transparent_colour(15),
    "png-cut": lambda: cut(encoded(slope(30, 4), "PNG", compress_level=1)),
    "webp": lambda: encoded(noise(16, grain=5), "WEBP", quality=90, method=0),
    "webp-lossless": lambda: encoded(slope(16, 4), "WEBP", lossless=True, method=0, quality=0),
    "gif": lambda: encoded(slope(50, 1).convert("P"), "GIF"),
    "bmp": lambda: encoded(Image.new("1", size(50)), "BMP"),
    "avif": lambda: encoded(
        noise(14, grain=4), "AVIF", speed=10, quality=85, subsampling="4:4:4"
    ),
    "heic": lambda: heic(17, 8, 420, 75),
    "heic-large": lambda: heic(25, 8, 420, 45),
    "heic-422": lambda: heic(11.5, 8, 422, 75),
    "heic-444": lambda: heic(13, 8, 444, 75),
    "heic-10-bit": lambda: heic(8, 10, 420, 80),
    "heic-10-bit-large": lambda: heic(12.2, 10, 420, 50),
    "heic-10-bit-422": lambda: heic(7, 10, 422, 75),
    "heic-10-bit-444": lambda: heic(5, 10, 444, 75),
}  # fmt: skip
# Crops to decode instead of the whole photo.
CROPS = dict.fromkeys(
    ("jpeg-full-size-part", "jpeg-cut-full-size-part", "jpeg-closed-full-size-part"),
    "0.4,0.4,0.03,0.03",
)


def many_scans() -> bytes:
    """Return a progressive JPEG with its last scan 1,000 times: 300 kB take 32 s to decode."""
    data = encoded(Image.new("L", size(29), 128), progressive=True)
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 1000 + b"\xff\xd9"


def many_markers() -> bytes:
    data = encoded(Image.new("RGB", (64, 64)))
    return data[:2] + b"\xff\xe5\x00\x02" * 2_900_000 + data[2:]


def endless_padding() -> bytes:
    """Return a JPEG of padding: 5 s, or 30 s for 80 kB if each byte restarts the marker search."""
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
    """Return a 4-megapixel BMP in runs of one pixel each."""
    runs = b"\x01\x05" * 4_000_000 + b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, 2000, 2000, 1, 8, 1, len(runs), 0, 0, 256, 0)
    offset = 14 + 40 + 1024
    return (
        b"BM" + struct.pack("<IHHI", offset + len(runs), 0, 0, offset) + head + bytes(1024) + runs
    )


MUCH_WORK = (
    many_scans, many_markers, endless_padding, much_between_segments, many_chunks, many_blocks,
    many_runs,
)  # fmt: skip
