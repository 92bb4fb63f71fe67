import io

import numpy as np
import pytest
from PIL import Image

from tests.helpers.pictures import difference, encoded, picture, plain, png_header_only
from visualsearch import exceptions
from visualsearch.photos.crops import part_of, relative_to
from visualsearch.photos.decode import Limits, identify, load, open_photo

UPRIGHT = picture(1)
# Pixels that a camera stores for each EXIF orientation; rotating them back gives UPRIGHT.
STORED = {
    1: [],
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_90],
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_270],
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "AVIF"])
def test_open_photo__every_accepted_format(kind):
    photo = open_photo(encoded(UPRIGHT, kind))
    assert photo.image.mode == "RGB"
    assert difference(photo.image, UPRIGHT) < 8
    assert photo.warnings == ()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_open_photo__orientation(orientation):
    stored = UPRIGHT
    for turn in STORED[orientation]:
        stored = stored.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = open_photo(encoded(stored, "JPEG", exif=exif, quality=95))
    assert photo.image.size == UPRIGHT.size
    assert difference(photo.image, UPRIGHT) < 4


def test_open_photo__corrupt_exif_keeps_photo():
    good = encoded(UPRIGHT, "JPEG", quality=95)
    segment = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xee" * 40
    broken = good[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + good[2:]
    assert difference(open_photo(broken).image, UPRIGHT) < 4


def test_open_photo__sixteen_bit_is_rescaled():
    grey = Image.fromarray(np.full((40, 40), 32768, np.uint16))
    assert np.asarray(open_photo(encoded(grey, "PNG")).image).mean() == pytest.approx(127, abs=1)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_open_photo__alpha_lies_on_white(mode):
    clear = Image.new(mode, (40, 40), (0, 0, 0, 0) if mode == "RGBA" else (0, 0))
    assert np.asarray(open_photo(encoded(clear, "PNG")).image).min() == 255


def test_open_photo__what_is_transparent_gives_no_colour_when_it_is_shrunk():
    """Red bars between transparent black ones become pink on white, not brown."""
    bars = np.zeros((1440, 1440, 4), np.uint8)
    bars[:, ::2] = (255, 0, 0, 255)
    image = open_photo(encoded(Image.fromarray(bars), "PNG")).image
    assert image.size == (240, 240)
    assert np.asarray(image).reshape(-1, 3).mean(0) == pytest.approx((255, 127, 127), abs=2)


def test_open_photo__palette_with_transparency():
    clear = Image.new("P", (40, 40), 0)
    clear.putpalette([0, 0, 0, 255, 0, 0])
    data = encoded(clear, "PNG", transparency=0)
    assert np.asarray(open_photo(data).image).min() == 255


@pytest.mark.parametrize("mode", ["CMYK", "L", "1", "P"])
def test_open_photo__other_modes(mode):
    kind = "JPEG" if mode in ("CMYK", "L") else "PNG"
    photo = open_photo(encoded(UPRIGHT.convert(mode), kind))
    assert photo.image.mode == "RGB"
    # Modes with few colours are dithered, so compare strongly reduced pictures.
    assert difference(photo.image.convert("L").reduce(16), UPRIGHT.convert("L").reduce(16)) < 8


def test_open_photo__phone_jpeg_with_several_pictures():
    buffer = io.BytesIO()
    UPRIGHT.save(buffer, "MPO", save_all=True, append_images=[plain("red", UPRIGHT.size)])
    photo = open_photo(buffer.getvalue())
    assert difference(photo.image, UPRIGHT) < 8
    assert photo.warnings == ()


def test_open_photo__animation_gives_first_frame():
    data = encoded(plain("red"), "GIF", save_all=True, append_images=[plain("blue")])
    photo = open_photo(data)
    assert difference(photo.image, plain("red")) < 8
    assert photo.warnings == ("animation_first_frame",)


def test_open_photo__large_jpeg_is_shrunk_while_decoding():
    large = UPRIGHT.resize((3000, 4000))
    photo = open_photo(encoded(large), limits=Limits(working_side=256))
    assert 256 <= min(photo.image.size) < 512
    assert difference(photo.image, UPRIGHT.resize(photo.image.size)) < 8


def test_decode__a_jpeg_is_never_decoded_in_full():
    """libjpeg must scale while it decodes, as decoding is most of a phone photo's cost."""
    source = identify(encoded(UPRIGHT.resize((3000, 4000))), Limits())
    load(source, b"", 256)
    assert source.size == (375, 500)


def test_open_photo__crop_of_large_photo_keeps_detail():
    large = UPRIGHT.resize((3000, 4000))
    photo = open_photo(encoded(large), crop=(0.25, 0.5, 0.25, 0.25))
    assert min(photo.image.size) >= 256
    wanted = UPRIGHT.resize((3000, 4000)).crop((750, 2000, 1500, 3000))
    assert difference(photo.image, wanted.resize(photo.image.size)) < 8


def test_open_photo__crop_is_of_upright_photo():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = UPRIGHT.transpose(Image.Transpose.ROTATE_90)
    data = encoded(stored, "JPEG", exif=exif, quality=95)
    photo = open_photo(data, crop=(0, 0, 1, 0.5))
    wanted = UPRIGHT.crop((0, 0, UPRIGHT.width, UPRIGHT.height // 2))
    assert difference(photo.image, wanted) < 4


@pytest.mark.parametrize(
    "crop",
    [
        (0.5, 0.5, 0.6, 0.1),
        (-0.1, 0, 1, 1),
        (0, 0, 0, 1),
        (float("nan"), 0, 1, 1),
        (0, 0, float("inf"), 1),
        (0, 0, 0.05, 0.05),
    ],
)
def test_open_photo__bad_crop(crop):
    with pytest.raises(exceptions.InvalidCrop):
        open_photo(encoded(UPRIGHT), crop=crop)


def test_open_photo__crop_of_everything_is_the_photo():
    whole = open_photo(encoded(UPRIGHT)).image
    assert difference(open_photo(encoded(UPRIGHT), crop=(0, 0, 1, 1)).image, whole) == 0


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"/>'


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", exceptions.ImageEmpty),
        (b"just some text, no photo at all", exceptions.UnsupportedImage),
        (SVG, exceptions.UnsupportedImage),
        (b"%PDF-1.7 and so on", exceptions.UnsupportedImage),
        (encoded(UPRIGHT, "TIFF"), exceptions.UnsupportedImage),
        (encoded(UPRIGHT, "EPS"), exceptions.UnsupportedImage),
        (encoded(UPRIGHT)[:400], exceptions.ImageCorrupt),
        (encoded(UPRIGHT)[:1000], exceptions.ImageCorrupt),
        (encoded(UPRIGHT, "PNG")[:900], exceptions.ImageCorrupt),
        (b"\xff\xd8\xff\xe0 and no more", exceptions.ImageCorrupt),
        (encoded(plain("red", (8, 8))), exceptions.ImageTooSmall),
        (encoded(plain("red", (2000, 20))), exceptions.ImageBadShape),
        (png_header_only(13000, 13000), exceptions.ImageTooManyPixels),
        (png_header_only(60000, 60000), exceptions.ImageTooManyPixels),
    ],
)
def test_open_photo__refused(data, error):
    with pytest.raises(error):
        open_photo(data)


def test_open_photo__too_many_bytes():
    with pytest.raises(exceptions.ImageTooLarge, match="1 MB"):
        open_photo(b"\xff" * 1_000_001, limits=Limits(max_bytes=1_000_000))


def test_open_photo__fuzzed_never_escapes():
    rng = np.random.default_rng(7)
    outcomes = set()
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF"):
        good = np.frombuffer(encoded(UPRIGHT, kind), np.uint8)
        for _ in range(60):
            mutated = good.copy()
            places = rng.integers(0, len(mutated), 6)
            mutated[places] = rng.integers(0, 256, 6)
            try:
                outcomes.add(open_photo(mutated.tobytes()).image.mode)
            except exceptions.PhotoError as error:
                outcomes.add(error.code)
    assert {"RGB", "image_corrupt"} <= outcomes


def test_part_of__and_within_are_inverse():
    whole, part = (0.2, 0.1, 0.5, 0.8), (0.25, 0.5, 0.5, 0.25)
    found = part_of(whole, part)
    assert found == (0.325, 0.5, 0.25, 0.2)
    assert relative_to(whole, found) == pytest.approx(part)
    assert part_of(None, part) == relative_to(None, part) == part


def test_within__outside_and_on_the_edge():
    whole = (0.5, 0.0, 0.5, 1.0)
    assert relative_to(whole, (0.4, 0.0, 0.2, 0.2)) is None
    assert relative_to(whole, (0.499, 0.0, 0.501, 1.0)) == pytest.approx((0, 0, 1, 1), abs=1e-6)
    with pytest.raises(exceptions.InvalidCrop):
        relative_to(whole, (0.9, 0.0, 0.2, 0.2))
