"""Unusual files that show a known picture, damaged files, and files that are no pictures."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageDraw

from tests.helpers.pictures import chunk, encoded, picture, plain
from tests.helpers.profiles import cmyk_profile, converted
from visualsearch.photos.format_limits import with_heic
from visualsearch.photos.icc_profiles import profile_of_codes

WHITE = (255, 255, 255, 255)
ORIENTATION = 0x0112
# How a camera transposes the pixels for each EXIF orientation.
STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def shirt() -> Image.Image:
    """Draw a garment that a model misclassifies if it is rotated or its colours are wrong."""
    image = Image.new("RGB", (300, 400), (236, 232, 225))
    draw = ImageDraw.Draw(image)
    outline = [(70, 90), (120, 60), (180, 60), (230, 90), (280, 170), (235, 195), (215, 160)]
    outline += [(215, 340), (85, 340), (85, 160), (65, 195), (20, 170)]
    draw.polygon(outline, fill=(40, 90, 170))
    for y in range(170, 340, 30):
        draw.rectangle((86, y, 214, y + 10), fill=(235, 190, 40))
    draw.ellipse((120, 50, 180, 80), fill=(236, 232, 225))
    draw.rectangle((160, 110, 195, 150), fill=(200, 40, 50))
    return image


def held(orientation: int, kind: str = "JPEG", image: Image.Image | None = None) -> bytes:
    """Return a photo as stored by a camera that was held at an EXIF orientation."""
    turn, image = STORED[orientation], image or shirt()
    image = image.transpose(turn) if turn is not None else image
    block = Image.Exif()
    block[ORIENTATION] = orientation
    if kind != "HEIF":
        return encoded(image, kind, exif=block)
    # Like phones, store the orientation outside EXIF too; decoders use that one.
    image.info["exif"] = block.tobytes()
    return encoded(image, kind)


def with_segment(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """Insert a segment at the start of a JPEG."""
    return jpeg[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def without_adobe(jpeg: bytes) -> bytes:
    """Remove the Adobe segment, which tells whether CMYK values are inverted."""
    start = jpeg.index(b"\xff\xee")
    return jpeg[:start] + jpeg[start + 2 + int.from_bytes(jpeg[start + 2 : start + 4], "big") :]


def png16(image: Image.Image, colour: int) -> bytes:
    """Return a PNG of 16 bits per channel; ``colour`` 2 is RGB, 4 grey with alpha, 6 RGBA."""
    pixels = np.asarray(image, dtype=np.uint16) * 257
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", image.width, image.height, 16, colour, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def clear_corner(image: Image.Image) -> Image.Image:
    """Add alpha with a transparent corner whose hidden pixels are black."""
    image = image.convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 150, 90))
    return image


def on_white(image: Image.Image) -> Image.Image:
    """Composite a picture with alpha on white, as viewers do."""
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, WHITE), image).convert("RGB")


def animated(kind: str) -> bytes:
    """Return an animation of the shirt and another picture."""
    other = plain("green", (300, 400))
    return encoded(shirt(), kind, save_all=True, append_images=[other], duration=100)


def several(kind: str) -> bytes:
    """Return a file of several pictures, as phones write them, with the shirt first."""
    buffer = io.BytesIO()
    shirt().save(buffer, kind, save_all=True, append_images=[plain("red", (300, 400))])
    return buffer.getvalue()


def odd_pictures() -> dict[str, tuple[bytes, Image.Image]]:
    """Return files by name, each with the upright RGB picture that viewers show."""
    with_heic()
    image = shirt()
    grey, few, clear = image.convert("L"), image.convert("P"), clear_corner(image)
    sixteen = Image.fromarray(np.asarray(grey, np.uint16) * 257)
    corrupt = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xee" * 40
    odd = {
        "JPEG": (encoded(image), image),
        "progressive JPEG": (encoded(image, progressive=True), image),
        "grey JPEG": (encoded(grey), grey.convert("RGB")),
        "CMYK JPEG, Adobe's": (encoded(image.convert("CMYK")), image),
        "CMYK JPEG of nobody": (without_adobe(encoded(image.convert("CMYK"))), image),
        "16 bit grey PNG": (encoded(sixteen, "PNG"), grey.convert("RGB")),
        "16 bit RGB PNG": (png16(image, 2), image),
        "16 bit RGBA PNG": (png16(clear, 6), on_white(clear)),
        "16 bit grey and alpha PNG": (png16(grey.convert("LA"), 4), grey.convert("RGB")),
        "palette PNG": (encoded(few, "PNG"), few.convert("RGB")),
        "palette PNG, transparent": (
            encoded(few, "PNG", transparency=few.getpixel((5, 5))),
            on_white(clear_where(few, few.getpixel((5, 5)))),
        ),
        "two colours PNG": (encoded(image.convert("1"), "PNG"), image.convert("1").convert("RGB")),
        "RGBA PNG": (encoded(clear, "PNG"), on_white(clear)),
        "grey and alpha PNG": (encoded(clear.convert("LA"), "PNG"), on_white(clear.convert("LA"))),
        "RGBA WebP": (encoded(clear, "WEBP", lossless=True), on_white(clear)),
        "RGBA AVIF": (encoded(clear, "AVIF", quality=90), on_white(clear)),
        "RGBA HEIC": (encoded(clear, "HEIF", quality=90), on_white(clear)),
        "WebP": (encoded(image, "WEBP"), image),
        "BMP": (encoded(image, "BMP"), image),
        "GIF": (encoded(image.quantize(256), "GIF"), image),
        "AVIF": (encoded(image, "AVIF"), image),
        "HEIC": (encoded(image, "HEIF"), image),
        "MPO": (several("MPO"), image),
        "HEIC of several": (several("HEIF"), image),
        "corrupt EXIF": (with_segment(encoded(image), 0xE1, corrupt), image),
        "EXIF of nonsense": (with_segment(encoded(image), 0xE1, b"Exif\0\0MM"), image),
        "orientation 9": (with_segment(encoded(image), 0xE1, exif(9)), image),
        **in_colour_spaces(image),
        "16 bit RGB PNG, one colour transparent": transparent_colour(image),
        "AVIF followed by text": (encoded(image, "AVIF") + b"<!-- cached -->", image),
        "PNG with a damaged text": (with_chunk(encoded(image, "PNG"), b"tEXt", b"a\0b", 1), image),
        "broken colour profile": (encoded(image, icc_profile=b"no profile"), image),
        "script after the photo": (encoded(image) + b"<script>alert(1)</script>", image),
        "ZIP after the photo": (encoded(image, "PNG") + b"PK\x03\x04 and so on", image),
        "script in a comment": (encoded(image, comment=b"<?php system($_GET[0]); ?>"), image),
    }
    for kind in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF"):
        for n in range(2, 9):
            odd[f"{kind} held like {n}"] = (held(n, kind), image)
    return odd


def in_colour_spaces(image: Image.Image) -> dict[str, tuple[bytes, Image.Image]]:
    """Return files of other colour spaces, named by a profile or by codes."""
    profile, inks = profile_of_codes(12, 13), cmyk_profile()
    p3, printed = converted(image, None, profile), image.convert("CMYK")
    codes = with_chunk(encoded(p3, "PNG"), b"cICP", bytes([12, 13, 0, 1]))
    narrow = image.point(lambda value: round(16 + value * 219 / 255))
    files = {
        "narrow PNG": (with_chunk(encoded(narrow, "PNG"), b"cICP", bytes([1, 13, 0, 0])), image),
        "P3 PNG, by codes": (codes, image),
        "CMYK JPEG with a profile": (
            encoded(printed, quality=95, icc_profile=inks),
            converted(printed, inks, None),
        ),
    }
    for kind in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF"):
        files[f"P3 {kind}"] = (encoded(p3, kind, quality=90, icc_profile=profile), image)
    return files


def transparent_colour(image: Image.Image) -> tuple[bytes, Image.Image]:
    """Return a PNG of 16 bits, whose background is transparent, and the picture on white."""
    background = image.getpixel((0, 0))
    colour = b"".join(struct.pack(">H", value * 257) for value in background)
    pixels = np.asarray(image).copy()
    pixels[(pixels == background).all(axis=2)] = 255
    return with_chunk(png16(image, 2), b"tRNS", colour), Image.fromarray(pixels)


def with_chunk(png: bytes, kind: bytes, body: bytes, damage: int = 0) -> bytes:
    """Insert a chunk after a PNG's header; ``damage`` is added to its checksum's last byte."""
    whole = chunk(kind, body)
    return png[:33] + whole[:-1] + bytes([(whole[-1] + damage) % 256]) + png[33:]


def exif(orientation: int) -> bytes:
    """Return an EXIF segment body with only an orientation."""
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return b"Exif\0\0" + block.tobytes().removeprefix(b"Exif\0\0")


def clear_where(image: Image.Image, index: int) -> Image.Image:
    """Make one palette index of a picture transparent."""
    clear = image.convert("RGBA")
    clear.putalpha(image.point(lambda value: 0 if value == index else 255, "L"))
    return clear


def no_pictures() -> dict[str, bytes]:
    """Return files of unsupported types by name."""
    image = shirt()
    return {
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)" width="40"/>',
        "HTML": b"<!doctype html><img src=x onerror=alert(1)>",
        "PDF": b"%PDF-1.7 and so on",
        "text": b"no photo",
        "zeros": bytes(1000),
        "sound": b"RIFF\x24\0\0\0WAVEfmt " + bytes(100),
        "film": b"\0\0\0\x18ftypisom" + bytes(100),
        "ZIP": b"PK\x03\x04" + bytes(100),
        "program": b"\x7fELF" + bytes(100),
        "EPS": encoded(image, "EPS"),
        "TIFF": encoded(image, "TIFF"),
        "ICO": encoded(image.resize((32, 32)), "ICO"),
        "JPEG 2000": encoded(image, "JPEG2000"),
        "PPM": encoded(image, "PPM"),
    }


def damaged_pictures() -> dict[str, bytes]:
    """Return files of each format, by name, truncated early or late or without their middle."""
    with_heic()
    damaged = {}
    for kind in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF"):
        data = encoded(picture(3, (300, 400)), kind)
        half = len(data) // 2
        damaged[f"{kind}, its half"] = data[:half]
        damaged[f"{kind}, its beginning"] = data[:40]
        if kind not in ("JPEG",):  # of which most pixels can still be decoded
            damaged[f"{kind} without its middle"] = data[:half] + data[half + len(data) // 4 :]
    damaged["GIF, its half"] = encoded(picture(3, (300, 400)), "GIF")[:20_000]
    damaged["BMP, its half"] = encoded(picture(3, (300, 400)), "BMP")[:180_000]
    return damaged
