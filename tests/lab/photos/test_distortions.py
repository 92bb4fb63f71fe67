"""Each distortion matches its level and affects the measurements."""

import numpy as np
import pytest
from PIL import Image

from ml_models.lab.photos import distortions
from ml_models.lab.photos.distortions import CURVES, busy_scene, clutter
from tests.helpers.pictures import difference, picture, plain

NEUTRAL = {"rotation": 0, "brightness": 1, "contrast": 1, "blur": 0, "crop": 1, "clutter": 1}

MAGENTA = (255, 0, 255)


@pytest.mark.parametrize(("name", "level"), NEUTRAL.items())
def test_distortion__neutral_level_changes_nothing(name, level):
    image = picture(3, (90, 70))
    assert difference(CURVES[name].distort(image, level), image) == 0


@pytest.mark.parametrize("name", CURVES)
def test_distortion__leaves_the_original_alone_and_repeats(name):
    image = picture(4, (90, 70))
    level = CURVES[name].levels[-1]
    first, again = (CURVES[name].distort(image, level) for _ in range(2))
    assert difference(image, picture(4, (90, 70))) == 0
    assert difference(first, again) == 0
    assert first.mode == "RGB"
    assert name == "crop" or first.size == image.size


def test_rotation__turns_counter_clockwise_without_black_corners():
    image = Image.new("RGB", (80, 80), (200, 200, 200))
    image.paste((255, 0, 0), (60, 30, 80, 50))  # In the middle of the right edge.
    turned = distortions.rotation(image, 90)
    assert turned.getpixel((40, 5)) == (255, 0, 0)
    assert turned.getpixel((75, 40)) == (200, 200, 200)
    grey = plain("green", (120, 50))
    assert difference(distortions.rotation(grey, 30), grey) < 1


def test_brightness_and_contrast():
    image = Image.new("RGB", (10, 10), (100, 100, 100))
    image.paste((50, 50, 50), (0, 0, 10, 5))
    dark = distortions.brightness(image, 0.5)
    assert (dark.getpixel((0, 0))[0], dark.getpixel((0, 9))[0]) == (25, 50)
    flat = distortions.contrast(image, 0.2)
    assert flat.getpixel((0, 9))[0] - flat.getpixel((0, 0))[0] == pytest.approx(10, abs=1)


def test_blur__is_relative_to_the_photo():
    small = picture(5, (128, 128))
    large = small.resize((512, 512), Image.Resampling.NEAREST)
    blurred = distortions.blur(large, 8).resize((128, 128), Image.Resampling.BOX)
    assert difference(distortions.blur(small, 8), blurred) < 1.5


def test_crop__keeps_the_middle():
    image = Image.new("RGB", (200, 100), (0, 0, 0))
    image.paste(MAGENTA, (50, 25, 150, 75))
    kept = distortions.crop(image, 0.25)
    assert kept.size == (100, 50)
    assert difference(kept, plain(MAGENTA, (100, 50))) == 0


@pytest.mark.parametrize("share", CURVES["clutter"].levels)
def test_clutter__pastes_at_the_stated_share(share):
    pixels = np.asarray(clutter(Image.new("RGB", (240, 180), MAGENTA), share))
    own = (pixels == MAGENTA).all(2)
    assert own.mean() == pytest.approx(share, abs=0.01)
    # One rectangle with the photo's proportions, not pieces of the scene.
    rows, columns = np.flatnonzero(own.any(1)), np.flatnonzero(own.any(0))
    assert len(columns) / len(rows) == pytest.approx(240 / 180, abs=0.03)
    assert own[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.99


def test_clutter__another_photo_lies_in_another_scene():
    a, b = (clutter(plain(colour, (120, 120)), 0.2) for colour in ("red", "blue"))
    assert difference(a, b) > 20


def test_busy_scene__is_busy():
    pixels = np.asarray(busy_scene((200, 150), np.random.default_rng(0)), np.float32)
    assert pixels.shape == (150, 200, 3)
    assert pixels.std((0, 1)).min() > 30
    # The scene has hard edges in every quarter, not just a gradient.
    steps = np.abs(np.diff(pixels, axis=1)).max(2) > 40
    quarters = [steps[y : y + 75, x : x + 99] for y in (0, 75) for x in (0, 100)]
    assert all(quarter.mean() > 0.005 for quarter in quarters)


def test_mirrored():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    around = np.asarray(distortions.mirrored(Image.fromarray(pixels), 2))
    assert around.shape == (6, 6, 3)
    assert (around[2:4, 2:4] == pixels).all()
    assert (around[:2, 2:4] == pixels[::-1]).all()
