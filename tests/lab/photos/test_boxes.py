import pytest

from ml_models.lab.photos.boxes import crop_to_box, read_boxes
from tests.helpers.pictures import plain

HEADER = "image,label,tag,x,y,w,h,area\n"


def test_read_boxes__labels_parents_and_small_ones(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text(
        HEADER + "a.jpg,hat,cap,.1,.1,.2,.2,.04\na.jpg,bag,bag,.1,.1,.5,.5,.25\n"
        "a.jpg,hat,cap,.1,.1,.05,.1,.005\nb.jpg,hoodie,,0,0,1,1,1\n"
    )
    found = read_boxes(path, ["hat", "longsleeve"], {"hoodie": "longsleeve"})
    assert [(box.image.name, box.label) for box in found] == [
        ("a.jpg", "hat"),
        ("b.jpg", "longsleeve"),
    ]
    assert found[0].place == (0.1, 0.1, 0.2, 0.2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,label,x,y,w,h,area\na.jpg,hat,.1,.1,.2,,.04\n", "line 2"),
        ("image,label,x,y\na.jpg,hat,.1,.1\n", "line 2"),
        (HEADER, "no boxes of the model's classes: hat"),
    ],
)
def test_read_boxes__refused(tmp_path, text, message):
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_boxes(tmp_path / "boxes.csv", ["hat"], {})


def test_crop_to_box__has_a_margin_and_stays_inside():
    image = plain("red", (200, 100))
    assert crop_to_box(image, (0.25, 0.25, 0.5, 0.5)).size == (116, 58)
    assert crop_to_box(image, (0, 0, 1, 1)).size == (200, 100)


def test_read_boxes__of_held_out_photos(boxes):
    labels = ["pants", "dress", "skirt", "shorts", "shoes", "t-shirt", "shirt", "outwear", "hat"]
    every = read_boxes(boxes, labels, {})
    held_out = read_boxes(boxes, labels, {}, hold_out=3)
    assert {box.image.name for box in held_out} == {"0.jpg", "3.jpg"}
    assert held_out == [box for box in every if int(box.image.stem) % 3 == 0]
