"""Draw the undamaged pictures for the fuzzer: `python -m tests.corpus.make_seeds`.

The files are kept in `seeds/`, since encoders may write other bytes on another machine (the AVIF
encoder even in two runs on one). Run this only to change them, then update the digest in
tests/photos/test_corpus.py.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from tests.helpers.odd_pictures import held, shirt
from tests.helpers.pictures import chunk, encoded, picture, plain
from tests.helpers.profiles import cmyk_profile
from visualsearch.photos.format_limits import with_heic
from visualsearch.photos.icc_profiles import profile_of_codes

FOLDER = Path(__file__).resolve().parent / "seeds"
SUFFIXES = {
    "JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp", "AVIF": "avif",
    "HEIF": "heic",
}  # fmt: skip
SIZE = (72, 96)


def small(image: Image.Image) -> Image.Image:
    """Shrink a picture so that it takes a few kilobytes in any format."""
    return image.resize(SIZE, Image.Resampling.BICUBIC)


def animated(kind: str) -> bytes:
    """Return an animation of two entirely different frames."""
    buffer = io.BytesIO()
    first, second = small(shirt()), plain("green", SIZE)
    first.save(buffer, kind, save_all=True, append_images=[second], duration=100)
    return buffer.getvalue()


def seeds() -> dict[str, bytes]:
    """Return the pictures of every format by file name."""
    with_heic()
    colours, garment = small(picture(1)), small(shirt())
    files = {}
    for kind, suffix in SUFFIXES.items():
        files[f"colours.{suffix}"] = encoded(colours, kind)
        files[f"garment.{suffix}"] = encoded(garment, kind)
    files["progressive.jpg"] = encoded(colours, progressive=True)
    files["turned.jpg"] = held(6, image=garment)
    files["cmyk.jpg"] = encoded(colours.convert("CMYK"))
    files["palette.png"] = encoded(colours.convert("P"), "PNG")
    files["alpha.png"] = encoded(colours.convert("RGBA"), "PNG")
    profile = profile_of_codes(12, 13)
    for kind in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF"):
        files[f"p3.{SUFFIXES[kind]}"] = encoded(colours, kind, icc_profile=profile)
    printed = colours.convert("CMYK")
    files["printed.jpg"] = encoded(printed, icc_profile=cmyk_profile())
    plain_png = encoded(colours, "PNG")
    for kind, body in ((b"cICP", bytes([9, 16, 0, 1])), (b"gAMA", bytes([0, 0, 200, 0]))):
        name = kind.decode().lower()
        files[f"{name}.png"] = plain_png[:33] + chunk(kind, body) + plain_png[33:]
    for kind in ("GIF", "PNG", "WEBP", "AVIF"):
        files[f"animated.{SUFFIXES[kind]}"] = animated(kind)
    return files


def main() -> None:
    """Write all files."""
    FOLDER.mkdir(exist_ok=True)
    for name, data in seeds().items():
        (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
