import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks.objects.scenes import MOST_COVERED, Result, cut_out, iou, scene_of, summary
from benchmarks.objects.street import Seen, Worn, figures
from ml_models.lab.drawing.object_scenes import covered
from visualsearch.encoders.objects import Object


@pytest.fixture
def paths(tmp_path):
    """Pictures of coloured rings with white inside, on white."""
    made = []
    for number, colour in enumerate(("red", "green", "blue", "black")):
        image = Image.new("RGB", (200, 240), "white")
        ImageDraw.Draw(image).ellipse((40, 60, 160, 200), outline=colour, width=25)
        made.append(tmp_path / f"{number}.png")
        image.save(made[-1])
    return made


def test_cut_out__white_around_is_gone(paths):
    alpha = np.asarray(cut_out(paths[0]))[..., 3]
    assert alpha.shape[0] == pytest.approx(139, abs=4)
    assert alpha.shape[1] == pytest.approx(119, abs=4)
    assert alpha[0, 0] == alpha[-1, -1] == 0
    # White that is enclosed belongs to the product.
    assert alpha[alpha.shape[0] // 2, alpha.shape[1] // 2] == 255


def test_scene_of__products_lie_where_they_are_said_to(paths):
    for seed in range(6):
        scene = scene_of(paths, seed)
        assert 2 <= len(scene.products) <= 4
        width, height = scene.image.size
        boxes = [
            tuple(round(v * s) for v, s in zip(box, (width, height) * 2, strict=True))
            for _, box in scene.products
        ]
        for k, box in enumerate(boxes):
            assert all(covered(box, other) <= MOST_COVERED + 0.01 for other in boxes[:k])
        # The last one is on top: its enclosed white is in the middle of its box.
        x, y, w, h = boxes[-1]
        assert scene.image.getpixel((x + w // 2, y + h // 2)) == (255, 255, 255)
        assert scene_of(paths, seed).image.tobytes() == scene.image.tobytes()


def test_scene_of__floor_of_a_photo(paths, tmp_path):
    photo = Image.new("RGB", (100, 100), "black")
    photo.paste("yellow", (0, 0, 40, 40))
    floor = tmp_path / "floor.png"
    photo.save(floor)
    pixels = np.asarray(scene_of(paths, 0, [floor]).image)
    assert (pixels == (255, 255, 0)).all(2).mean() > 0.3


def test_summary__by_hand():
    rows = [(0.9, 0, 0), (0.5, 5, 4), (0.4, 0, 7), (0.6, 4, 5)]
    results = [
        Result(products=2, area=0.2, overlap=overlap, rank=rank, true_rank=true)
        for overlap, rank, true in rows
    ]
    assert summary(results) == ["4", "0.750", "0.667", "0.500"]


def test_iou__by_hand():
    assert iou((0, 0, 0.5, 1), (0.25, 0, 0.5, 1)) == pytest.approx(1 / 3)
    assert iou((0, 0, 0.5, 1), (0.6, 0, 0.4, 1)) == 0


def found(label, box):
    return Object(box=box, label=label, probability=0.9, score=0.5)


def test_figures__by_hand():
    """Of three garments that count, one is found, one is called another, and one is missed."""
    photo = Seen(
        name="1",
        image=Image.new("RGB", (10, 10)),
        garments=[
            Worn(label="outwear", box=(0.1, 0.1, 0.4, 0.4), area=0.16),
            Worn(label="pants", box=(0.1, 0.5, 0.4, 0.4), area=0.16),
            Worn(label="dress", box=(0.6, 0.1, 0.3, 0.3), area=0.09),
            Worn(label="shoes", box=(0.1, 0.9, 0.1, 0.1), area=0.01),
            Worn(label="scarf", box=(0.9, 0.1, 0.1, 0.9), area=0.09),
        ],
        objects=[
            found("blazer", (0.1, 0.1, 0.4, 0.3)),
            found("skirt", (0.1, 0.5, 0.4, 0.4)),
            found("bag", (0.6, 0.6, 0.2, 0.2)),
        ],
    )
    got = figures([photo])
    assert (got["garments"], got["dots"]) == (3, 3)
    assert got["found"] == pytest.approx(1 / 3)
    assert got["found, any class"] == pytest.approx(2 / 3)
    assert got["dots on no garment"] == pytest.approx(1 / 3)
