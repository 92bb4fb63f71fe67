import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from ml_models.lab.drawing.person import person
from tests.helpers.pictures import picture, plain
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.base import Detections
from visualsearch.encoders.cells import Cells
from visualsearch.encoders.fake import FakeEncoder
from visualsearch.encoders.objects import LEAST, MOST, SAME, find_objects, overlaps
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.exceptions import ModelUnavailable
from visualsearch.photos.crops import check_crop


class Detecting(FakeEncoder):
    """An encoder that detects the boxes it is given: (x, y, w, h), objectness, class."""

    def __init__(self, *found):
        super().__init__(cells=True)
        self.found = found

    def detect(self, cells):
        boxes, objectness, classes = zip(*self.found, strict=True)
        return Detections(
            boxes=np.array(boxes, np.float32),
            objectness=np.array(objectness, np.float32),
            probabilities=np.eye(3, dtype=np.float32)[list(classes)] * 0.75 + 0.05,
        )

    def objects(self, worn=0.0):
        return find_objects(self, replace(self.see(plain("red"))[1], worn=worn))


@pytest.fixture(scope="module")
def encoder():
    return OnnxEncoder(SHIPPED_MODEL)


@pytest.fixture(scope="module")
def street(encoder):
    """Cells of drawn people, with their garments."""
    drawn = [person(seed) for seed in range(40)]
    return [(each, encoder.see(each.image)[1]) for each in drawn]


LEFT, RIGHT = (0.1, 0.1, 0.3, 0.8), (0.6, 0.1, 0.3, 0.8)


def test_find_objects__surest_first_with_their_classes():
    objects = Detecting((LEFT, 0.4, 1), (RIGHT, 0.8, 2)).objects()
    assert [each.label for each in objects] == ["blue", "green"]
    assert [each.score for each in objects] == pytest.approx([0.8, 0.4])
    assert objects[0].box == pytest.approx(RIGHT)
    assert objects[1].box == pytest.approx(LEFT)
    assert objects[0].probability == pytest.approx(0.8)


def test_find_objects__boxes_of_one_thing_are_one_object():
    near = (0.11, 0.12, 0.3, 0.78)
    assert Detecting((LEFT, 0.6, 1), (near, 0.5, 1)).objects() == []
    objects = Detecting((LEFT, 0.6, 1), (near, 0.5, 1), (RIGHT, 0.5, 1)).objects()
    assert len(objects) == 2
    # The second box has moved the first one towards itself.
    assert LEFT[0] < objects[0].box[0] < near[0]
    assert near[3] < objects[0].box[3] < LEFT[3]


def test_find_objects__doubtful_ones_are_left_out():
    assert Detecting((LEFT, 0.6, 1), (RIGHT, LEAST * 0.9, 1)).objects() == []
    # Beside something very sure, more is asked of the others.
    assert Detecting((LEFT, 0.95, 1), (RIGHT, LEAST * 1.1, 1)).objects() == []
    assert len(Detecting((LEFT, 0.4, 1), (RIGHT, LEAST * 1.1, 1)).objects()) == 2


def test_find_objects__not_more_than_fit_a_page():
    many = [((x / 5, y / 5, 0.15, 0.15), 0.5, 0) for x in range(5) for y in range(5)]
    assert len(Detecting(*many).objects()) == MOST


@pytest.mark.parametrize("worn", [0.0, 1.0])
def test_find_objects__a_part_of_its_class_is_no_object(worn):
    sleeve = (0.1, 0.1, 0.3, 0.25)
    assert Detecting((LEFT, 0.6, 1), (sleeve, 0.5, 1)).objects(worn) == []
    assert Detecting((sleeve, 0.6, 1), (LEFT, 0.5, 1)).objects(worn) == []


def test_find_objects__a_part_of_another_class_is_one_on_people():
    bag = (0.1, 0.1, 0.3, 0.25)
    on_a_coat = Detecting((LEFT, 0.6, 1), (bag, 0.5, 2))
    assert on_a_coat.objects(worn=0) == []
    assert [each.label for each in on_a_coat.objects(worn=1)] == ["green", "blue"]


def test_find_objects__boxes_of_one_thing_vote_on_its_class():
    near = [(0.1, 0.1, 0.3, 0.79), (0.1, 0.1, 0.3, 0.78)]
    objects = Detecting(
        (LEFT, 0.5, 0), *((box, 0.49, 1) for box in near), (RIGHT, 0.4, 2)
    ).objects()
    assert [each.label for each in objects] == ["green", "blue"]
    assert 0.5 < objects[0].probability < 0.65


def test_find_objects__slivers_are_nothing():
    assert Detecting((LEFT, 0.6, 1), ((0.7, 0.1, 0.01, 0.8), 0.6, 1)).objects() == []


def test_find_objects__boxes_stay_in_the_photo():
    for each in Detecting(
        ((0.5, 0.5, 0.51, 0.52), 0.6, 1), ((-0.01, 0, 0.3, 0.3), 0.6, 1)
    ).objects():
        check_crop(each.box)


def test_find_objects__encoder_that_cannot_tell_things_apart():
    fake = FakeEncoder(cells=True)
    assert find_objects(fake, fake.see(picture(1))[1]) == []


def test_overlaps__by_hand():
    boxes = np.array([(0, 0, 0.5, 1), (0.25, 0, 0.5, 1), (0.5, 0, 0.5, 1)], np.float32)
    third = pytest.approx(1 / 3)
    union, smaller = overlaps(boxes)
    assert union.tolist() == [[1, third, 0], [third, 1, third], [0, third, 1]]
    assert smaller.tolist() == [[1, 0.5, 0], [0.5, 1, 0.5], [0, 0.5, 1]]
    assert overlaps(boxes * (1, 1, 0.5, 1))[1][0].tolist() == [1, 0, 0]


def iou(a, b):
    both = np.array([a, b], np.float32)
    return overlaps(both)[0][0, 1]


def test_find_objects__garments_of_drawn_people(encoder, street):
    """Most garments of at least 5 % of a picture are found, most of these by their class."""
    hits, right = [], []
    for drawn, cells in street:
        width, height = drawn.image.size
        objects = find_objects(encoder, cells)
        for garment in drawn.garments:
            left, top, end, bottom = garment.box
            box = (left / width, top / height, (end - left) / width, (bottom - top) / height)
            if box[2] * box[3] < 0.05:
                continue
            near = [each for each in objects if iou(each.box, box) >= 0.3]
            hits.append(bool(near))
            parents = encoder.package.parents
            right.append(garment.label in {parents.get(e.label, e.label) for e in near})
    assert len(hits) > 60
    assert np.mean(hits) > 0.75
    assert np.mean(right) > 0.6


def test_find_objects__are_crops_in_order_and_apart(encoder, street):
    for _, cells in street:
        objects = find_objects(encoder, cells)
        assert len(objects) != 1
        assert [each.score for each in objects] == sorted(
            (each.score for each in objects), reverse=True
        )
        for k, each in enumerate(objects):
            check_crop(each.box)
            assert each.label in encoder.labels
            assert 0 < each.probability <= 1
            # Votes move boxes a little after they were found to be apart.
            assert all(iou(each.box, other.box) < SAME + 0.25 for other in objects[:k])


def test_find_objects__one_thing(encoder):
    image = plain("white", (300, 300))
    image.paste(picture(3).resize((150, 200)), (75, 50))
    assert find_objects(encoder, encoder.see(image)[1]) == []
    assert find_objects(encoder, encoder.see(plain("white"))[1]) == []


def test_find_objects__in_stored_cells(encoder, street):
    """Stored cells lose precision and the order of colours, but not their things."""
    kept = total = 0
    for _, cells in street:
        before = find_objects(encoder, cells)
        after = find_objects(encoder, Cells.from_bytes(cells.to_bytes()))
        total += len(before)
        kept += sum(any(iou(a.box, b.box) > 0.9 for b in after) for a in before)
    assert kept > 0.95 * total


def without_objects(folder):
    shutil.copytree(SHIPPED_MODEL, folder)
    path = folder / "model.json"
    described = json.loads(path.read_text())
    del described["objects"]
    path.write_text(json.dumps(described))
    return OnnxEncoder(folder)


def test_detect__package_without_object_model(encoder, street, tmp_path):
    """Its embeddings, its id and its crops are the same, bit for bit."""
    old = without_objects(tmp_path / "model")
    assert old.id == encoder.id
    drawn, cells = street[0]
    before, old_cells = old.see(drawn.image)
    assert find_objects(old, old_cells) == []
    assert find_objects(encoder, cells)
    assert before.embeddings.tobytes() == encoder.see(drawn.image)[0].embeddings.tobytes()
    a, b = (each.pool(cells, LEFT).embeddings for each in (old, encoder))
    assert a.tobytes() == b.tobytes()


def test_detect__damaged_object_model(tmp_path):
    folder = shutil.copytree(SHIPPED_MODEL, tmp_path / "model")
    (folder / "objects.onnx").write_bytes(b"no model")
    with pytest.raises(ModelUnavailable, match=r"objects.onnx is not the file"):
        OnnxEncoder(folder).see(picture(1))


def test_load_package__objects_without_region(tmp_path):
    folder = shutil.copytree(SHIPPED_MODEL, tmp_path / "model")
    described = json.loads((folder / "model.json").read_text())
    del described["region"]
    (folder / "model.json").write_text(json.dumps(described))
    with pytest.raises(ModelUnavailable, match="objects need a region"):
        OnnxEncoder(folder)
