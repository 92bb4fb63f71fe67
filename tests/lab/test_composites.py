"""Cutting a garment out of its photo, and drawing a person who wears it."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from ml_models.lab import composites
from ml_models.lab.composites import LABELS, measure, wear, worn_pair
from ml_models.lab.cut_outs import CutOut, cut_out, symmetry
from ml_models.lab.drawn_people import SIZE

GROUND, RED = (196, 180, 150), (190, 30, 40)
SHAPES = {
    "t-shirt": [(70, 60), (130, 60), (190, 95), (172, 130), (142, 112), (142, 240), (58, 240),
                (58, 112), (28, 130), (10, 95)],
    "longsleeve": [(75, 60), (125, 60), (150, 80), (192, 210), (168, 220), (138, 130), (138, 240),
                   (62, 240), (62, 130), (32, 220), (8, 210), (50, 80)],
    "pants": [(60, 40), (140, 40), (155, 250), (115, 250), (100, 100), (85, 250), (45, 250)],
    "shorts": [(50, 80), (150, 80), (170, 210), (106, 210), (100, 130), (94, 210), (30, 210)],
    "skirt": [(70, 70), (130, 70), (165, 220), (35, 220)],
    "dress": [(75, 30), (125, 30), (120, 110), (160, 265), (40, 265), (80, 110)],
    "shoes": [(40, 90), (90, 80), (95, 220), (105, 220), (110, 80), (160, 90), (150, 240),
              (50, 240)],
    "hat": [(45, 170), (60, 60), (140, 60), (155, 170), (188, 210), (12, 210)],
}  # fmt: skip
SHAPES |= {"shirt": SHAPES["t-shirt"], "outwear": SHAPES["longsleeve"]}


def lying(label, ground=GROUND, colour=RED):
    """Return a photo of a garment of one colour on a floor, with camera noise, and its mask."""
    mask = Image.new("L", (200, 280))
    ImageDraw.Draw(mask).polygon(SHAPES[label], fill=255)
    image = Image.new("RGB", mask.size, ground)
    image.paste(colour, (0, 0), mask.filter(ImageFilter.GaussianBlur(1)))
    noise = np.random.default_rng(1).normal(0, 4, (280, 200, 1))
    pixels = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels), np.asarray(mask) > 127


@pytest.mark.parametrize("label", sorted(LABELS))
def test_cut_out__is_the_garment(label):
    image, mask = lying(label)
    cut = cut_out(image, label)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert cut.alpha.shape == pytest.approx((height, width), abs=10)
    assert (cut.alpha > 0.5).sum() == pytest.approx(mask.sum(), rel=0.08)
    median = np.median(cut.pixels[cut.alpha > 0.9], axis=0)
    assert median == pytest.approx(RED, abs=8)


def test_cut_out__nothing_to_tell_apart():
    image, _ = lying("t-shirt", colour=GROUND)
    assert cut_out(image, "t-shirt") is None


def test_cut_out__of_another_shape():
    """Shapes that are implausible for the class, such as crooked ones, are rejected."""
    image, _ = lying("pants")
    assert cut_out(image, "pants")
    assert cut_out(image.rotate(90, expand=True, fillcolor=GROUND), "pants") is None
    assert cut_out(image.rotate(35, fillcolor=GROUND), "pants") is None


def test_symmetry():
    assert symmetry(np.eye(4, dtype=bool)[:, ::-1] | np.eye(4, dtype=bool)) == 1
    assert symmetry(np.eye(4, dtype=bool)) == 0


@pytest.mark.parametrize("label", sorted(LABELS))
def test_worn_pair__the_garment_is_in_its_box(label):
    image, _ = lying(label)
    made, box = worn_pair(image, label, seed=4)
    left, top, right, bottom = box
    assert made.size == SIZE
    assert 0 <= left < right <= SIZE[0]
    assert 0 <= top < bottom <= SIZE[1]
    inside = np.asarray(made, np.float32)[top:bottom, left:right].reshape(-1, 3)
    hue = inside / inside.sum(1, keepdims=True)
    red = np.abs(hue - np.array(RED) / sum(RED)).max(1) < 0.12
    assert red.mean() > 0.25


@pytest.mark.parametrize(
    ("upper", "lower"), [("hat", "t-shirt"), ("t-shirt", "pants"), ("skirt", "shoes")]
)
def test_worn_pair__the_right_place(upper, lower):
    boxes = [worn_pair(lying(label)[0], label, seed=2)[1] for label in (upper, lower)]
    assert sum(boxes[0][1::2]) < sum(boxes[1][1::2])


def test_worn_pair__is_deterministic():
    image, _ = lying("dress")
    first, again, other = (worn_pair(image, "dress", seed) for seed in (1, 1, 2))
    assert first[0].tobytes() == again[0].tobytes()
    assert first[1] == again[1]
    assert first[0].tobytes() != other[0].tobytes()


def test_worn_pair__no_garment():
    assert worn_pair(Image.new("RGB", (200, 280), GROUND), "skirt", 1) is None


def test_measure__trunk_and_sleeves():
    cut = cut_out(lying("t-shirt")[0], "t-shirt")
    found = measure(cut.alpha)
    assert found.trunk == pytest.approx(42, abs=4)
    assert found.middle == pytest.approx(90, abs=4)
    for far, low in found.sleeves:
        assert 30 < far < 50
        assert 30 < low < 75


def test_measure__without_sleeves():
    cut = cut_out(lying("skirt")[0], "skirt")
    bare = CutOut(pixels=cut.pixels, alpha=np.ones_like(cut.alpha))
    assert measure(bare.alpha[:, :80]).sleeves == [(0, 0), (0, 0)]


def test_wear__sleeves_hang_down():
    """The sleeves of a t-shirt point aside on the floor; worn, they are narrower and lower."""
    cut = cut_out(lying("t-shirt")[0], "t-shirt")
    boxes = [wear(cut, "t-shirt", seed)[1] for seed in range(20)]
    wide = np.median([(right - left) / (bottom - top) for left, top, right, bottom in boxes])
    assert wide < cut.alpha.shape[1] / cut.alpha.shape[0]


def test_main__shows_pairs(tmp_path, capsys):
    for label in ("t-shirt", "pants"):
        (tmp_path / label).mkdir()
        lying(label)[0].save(tmp_path / label / "1.jpg")
    out = tmp_path / "sheet.png"
    composites.main(["--data", str(tmp_path), "--out", str(out), "--count", "4"])
    assert "4 of 4 photos" in capsys.readouterr().out
    assert out.stat().st_size > 1000
