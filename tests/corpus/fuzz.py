"""Generate damaged pictures: the same bytes for the same seed on every machine."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

# Formats take turns in this order.
SUFFIXES = ("jpg", "png", "webp", "gif", "bmp", "avif", "heic")
SEEDS = Path(__file__).resolve().parent / "seeds"
# Boundary values that often trigger bugs.
NUMBERS = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)
BYTES = (0, 1, 2, 9, 12, 16, 18, 0x7F, 0x80, 0xFE, 0xFF)
# What names colours: a signature, and how many bytes before and after its start belong to it. They
# are those of an ICC profile, of a PNG and of an AVIF or HEIC.
COLOURS = ((b"acsp", 36, 700), (b"cICP", 0, 8), (b"gAMA", 0, 8), (b"nclx", 4, 11))
# Boxes that hold boxes, and the bytes before the first one.
CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"mdia": 0, b"iinf": 6}


def originals() -> dict[str, list[bytes]]:
    """Return the undamaged pictures by suffix; see :mod:`tests.corpus.make_seeds`.

    They are files because an encoder's bytes may differ between machines or runs.
    """
    return {
        suffix: [path.read_bytes() for path in sorted(SEEDS.glob(f"*.{suffix}"))]
        for suffix in SUFFIXES
    }


def flip_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 3, 10, 100))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def flip_in_header(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 5))):
        data[rng.randrange(min(200, len(data)))] = rng.randrange(256)


def truncate(data: bytearray, rng: random.Random) -> None:
    del data[rng.randrange(len(data)) :]


def insert(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data))
    data[place:place] = rng.randbytes(rng.choice((1, 2, 16, 1000)))


def remove(data: bytearray, rng: random.Random) -> None:
    place = rng.randrange(len(data))
    del data[place : place + rng.choice((1, 2, 16, 1000))]


def repeat(data: bytearray, rng: random.Random) -> None:
    place, length = rng.randrange(len(data)), rng.choice((4, 64, 2000))
    data[place:place] = data[place : place + length] * rng.choice((1, 2, 50))


def change_number(data: bytearray, rng: random.Random) -> None:
    """Overwrite two or four bytes, which may be a length, offset or size, with an odd number."""
    form = rng.choice((">H", "<H", ">I", "<I"))
    size = struct.calcsize(form)
    if len(data) > size:
        place = rng.randrange(min(len(data) - size, rng.choice((64, 512, 10**9))))
        struct.pack_into(form, data, place, rng.choice(NUMBERS) % (1 << 8 * size))


def change_part(data: bytearray, rng: random.Random) -> None:
    """Change, drop or repeat a PNG chunk, with a valid checksum, a JPEG segment or a HEIC's box."""
    parts = list(parts_of(data))
    if not parts:
        return flip_bits(data, rng)
    start, end = rng.choice(parts)
    what = rng.randrange(3)
    if what == 0:
        del data[start:end]
    elif what == 1:
        data[start:start] = data[start:end] * rng.choice((1, 2, 100))
    elif data.startswith(b"\x89PNG") and end - start > 12:
        data[rng.randrange(start + 8, end - 4)] = rng.randrange(256)
        struct.pack_into(">I", data, end - 4, zlib.crc32(data[start + 4 : end - 4]))
    elif end - start > 4:
        data[rng.randrange(start + 2, end)] = rng.randrange(256)


def change_colours(data: bytearray, rng: random.Random) -> None:
    """Change some bytes of what names the colours: a profile or codes."""
    if (start := data.find(b"iCCP")) >= 0:
        return change_compressed_profile(data, start, rng)
    for mark, before, after in COLOURS:
        if (start := data.find(mark)) >= 0:
            end = min(len(data), start + after)
            for _ in range(rng.choice((1, 3, 30))):
                data[rng.randrange(max(0, start - before), end)] = rng.choice(BYTES)
            return None
    return flip_in_header(data, rng)


def change_compressed_profile(data: bytearray, start: int, rng: random.Random) -> None:
    """Change some bytes of a PNG's profile, with a valid checksum; ``start``: of the type."""
    end = start + 4 + int.from_bytes(data[start - 4 : start], "big")
    body = data.index(b"\0", start + 4) + 2
    try:
        profile = bytearray(zlib.decompress(data[body:end]))
    except zlib.error:
        return flip_bits(data, rng)
    for _ in range(rng.choice((1, 3, 30))):
        profile[rng.randrange(len(profile))] = rng.choice(BYTES)
    # Stored, so that the bytes do not depend on the compressor.
    content = bytes(data[start:body]) + zlib.compress(profile, 0)
    size = struct.pack(">I", len(content) - 4)
    data[start - 4 : end + 4] = size + content + struct.pack(">I", zlib.crc32(content))
    return None


def parts_of(data: bytearray) -> Iterator[tuple[int, int]]:
    """Yield start and end of each part of a PNG, AVIF, HEIC or JPEG."""
    if data.startswith(b"\x89PNG"):
        return png_parts(data)
    return boxes(data, 0, len(data)) if data[4:8] == b"ftyp" else jpeg_parts(data)


def boxes(data: bytearray, place: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each box of an AVIF or HEIC, and of the boxes inside."""
    while place + 8 <= end:
        stop = place + int.from_bytes(data[place : place + 4], "big")
        if not place + 8 <= stop <= end:
            return
        yield place, stop
        if (kind := bytes(data[place + 4 : place + 8])) in CONTAINERS:
            yield from boxes(data, place + 8 + CONTAINERS[kind], stop)
        place = stop


def png_parts(data: bytearray) -> Iterator[tuple[int, int]]:
    """Yield start and end of each chunk."""
    place = 8
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if end > len(data):
            return
        yield place, end
        place = end


def jpeg_parts(data: bytearray) -> Iterator[tuple[int, int]]:
    """Yield start and end of each segment before the image data."""
    place = 2
    while place + 4 <= len(data) and data[0] == data[place] == 0xFF and data[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if end > len(data):
            return
        yield place, end
        place = end


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip_bits, flip_in_header, truncate, insert, remove, repeat, change_number, change_part,
    change_colours,
)  # fmt: skip


def generate(folder: Path, count: int, seed: int) -> None:
    """Write ``count`` damaged files, named after their mutations."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, files = random.Random(seed), originals()
    for number in range(count):
        suffix = SUFFIXES[number % len(SUFFIXES)]
        data = bytearray(rng.choice(files[suffix]))
        done = []
        for mutate in rng.choices(MUTATIONS, k=rng.choice((1, 1, 1, 2, 3))):
            if len(data) > 16:
                mutate(data, rng)
                done.append(mutate.__name__)
        name = f"{number:06}-{'-'.join(done)}.{suffix}"
        (folder / name).write_bytes(data)
