import numpy as np
import pytest
from PIL import Image

from ml_models.lab.photos import distortions, random_distortions
from ml_models.lab.photos.random_distortions import DISTORTIONS, distorted, homography
from tests.helpers.pictures import difference, picture, plain


@pytest.mark.parametrize("name", DISTORTIONS)
def test_random_distortion__changes_repeats_and_leaves_the_original_alone(name):
    image = distortions.busy_scene((90, 120), np.random.default_rng(0))
    before = image.copy()
    first, again = distorted(image, name), distorted(image, name)
    assert difference(image, before) == 0
    assert first.mode == "RGB"
    assert difference(first, again) == 0
    assert difference(first.resize(image.size), image) > 1


MAGENTA = (255, 0, 255)


@pytest.mark.parametrize("name", ["perspective", "light", "crop"])
def test_random_distortion__no_strength_changes_nothing(name):
    image = picture(4, (90, 120))
    distort, _ = DISTORTIONS[name]
    assert difference(distort(image, np.random.default_rng(0), 0), image) < 0.5


def test_homography__takes_corners_to_corners():
    here = np.array([(0, 0), (100, 0), (100, 80), (0, 80)])
    there = here + np.array([(3, -5), (8, 2), (-7, 1), (4, 9)])
    a, b, c, d, e, f, g, h = homography(here, there)
    for (x, y), wanted in zip(here, there, strict=True):
        weight = g * x + h * y + 1
        assert ((a * x + b * y + c) / weight, (d * x + e * y + f) / weight) == pytest.approx(wanted)


def test_random_perspective__moves_corners_within_their_reach_and_shows_no_black():
    image = plain("white", (200, 100))
    image.paste(MAGENTA, (50, 25, 150, 75))
    for seed in range(5):
        turned = random_distortions.random_perspective(image, np.random.default_rng(seed), 1)
        pixels = np.asarray(turned, int)
        assert turned.size == image.size
        assert pixels[:, :, 0].min() > 200
        rows, columns = np.nonzero(pixels[:, :, 1] < 128)
        assert columns.min() == pytest.approx(50, abs=45)
        assert rows.max() == pytest.approx(75, abs=23)


def test_random_crop__area_and_place():
    image = picture(1, (200, 160))
    places = set()
    for seed in range(12):
        kept = random_distortions.random_crop(image, np.random.default_rng(seed), 1)
        assert 0.49 < kept.width * kept.height / (200 * 160) < 0.81
        half = random_distortions.random_crop(image, np.random.default_rng(seed), 0.5)
        assert 0.74 < half.width * half.height / (200 * 160) < 0.91
        window = np.lib.stride_tricks.sliding_window_view(
            np.asarray(image)[:, :, 0], (kept.height, kept.width)
        )
        places.add(tuple(np.argwhere((window == np.asarray(kept)[:, :, 0]).all((2, 3)))[0]))
    assert len(places) > 6


def test_random_light__casts_a_colour():
    grey = Image.new("RGB", (20, 20), (100, 100, 100))
    seen = [
        random_distortions.random_light(grey, np.random.default_rng(seed), 1) for seed in range(8)
    ]
    colours = np.array([image.getpixel((5, 5)) for image in seen])
    assert np.ptp(colours, axis=1).max() > 10
    assert colours.min() >= 100 / 1.6 / 1.25 - 1
    assert colours.max() <= 100 * 1.6 * 1.25 + 1


def test_random_background__covers_what_it_says():
    image = Image.new("RGB", (240, 180), MAGENTA)
    for strength, share in ((1, 0.6), (0.5, 0.8)):
        pixels = np.asarray(
            random_distortions.random_background(image, np.random.default_rng(0), strength)
        )
        assert (pixels == MAGENTA).all(2).mean() == pytest.approx(share, abs=0.01)
