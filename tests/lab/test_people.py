"""Figures of garments on people, checked by hand."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ml_models.lab import people
from ml_models.lab.drawn_people import person
from ml_models.lab.parents import ParentEncoder
from tests.helpers.pictures import plain

SHOPNET = Path(__file__).resolve().parents[2] / "ml_models/shopnet"
HEADER = "image,label,tag,x,y,w,h,area\n"


@pytest.fixture
def boxes(tmp_path):
    """A CSV file with the boxes of six drawn people."""
    rows = []
    for seed in range(6):
        drawn = person(seed)
        drawn.image.save(tmp_path / f"{seed}.jpg")
        width, height = drawn.image.size
        for garment in drawn.garments:
            left, top, right, bottom = garment.box
            place = left / width, top / height, (right - left) / width, (bottom - top) / height
            numbers = ",".join(f"{share:.4f}" for share in place)
            label = "hoodie" if garment.label == "longsleeve" else garment.label
            rows.append(f"{seed}.jpg,{label},,{numbers},{place[2] * place[3]:.4f}\n")
    path = tmp_path / "boxes.csv"
    path.write_text(HEADER + "".join(rows))
    return path


def test_read_boxes__labels_parents_and_small_ones(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text(
        HEADER + "a.jpg,hat,cap,.1,.1,.2,.2,.04\na.jpg,bag,bag,.1,.1,.5,.5,.25\n"
        "a.jpg,hat,cap,.1,.1,.05,.1,.005\nb.jpg,hoodie,,0,0,1,1,1\n"
    )
    found = people.read_boxes(path, ["hat", "longsleeve"], {"hoodie": "longsleeve"})
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
        people.read_boxes(tmp_path / "boxes.csv", ["hat"], {})


def test_cut__has_a_margin_and_stays_inside():
    image = plain("red", (200, 100))
    assert people.cut(image, (0.25, 0.25, 0.5, 0.5)).size == (116, 58)
    assert people.cut(image, (0, 0, 1, 1)).size == (200, 100)


def test_figures__by_hand():
    """Class 0 has 3 of 4 right; class 1 none of 2, one of them wrong with 95 %."""
    probabilities = np.array(
        [
            [0.85, 0.15, 0],
            [0.8, 0.2, 0],
            [0.7, 0.3, 0],
            [0.2, 0.8, 0],
            [0.95, 0.05, 0],
            [0.6, 0.4, 0],
        ],
        np.float32,
    )
    true = np.array([0, 0, 0, 0, 1, 1])
    report = people.figures(probabilities, true, ["a", "b", "c"])
    assert (report["garments"], report["accuracy"]) == (6, 0.5)
    assert report["mean_per_class"] == 0.375
    assert report["wrong_and_90_sure"] == round(1 / 6, 4)
    assert set(report["per_class"]) == {"a", "b"}
    assert report["per_class"]["a"]["accuracy"] == 0.75
    assert report["per_class"]["b"]["interval"] == [0, 0]
    assert report["per_class"]["a"]["said"] == {"a": 3, "b": 1}
    for name, (low, high) in report["intervals"].items():
        assert 0 <= low <= high <= 1
        assert low < report[name] < high or name == "ece"


def test_people__as_one_box_at_a_time(boxes):
    """The figures equal those of cropping each box separately, with the shipped model."""
    report = people.people(SHOPNET, boxes)
    encoder = ParentEncoder(str(SHOPNET))
    listed = people.read_boxes(boxes, encoder.labels, encoder.package.parents)
    said = [
        encoder.labels[int(encoder.encode([part]).probabilities[0].argmax())]
        for part in people.parts(listed)
    ]
    right = [a == box.label for a, box in zip(said, listed, strict=True)]
    assert report["garments"] == len(listed)
    assert report["accuracy"] == round(sum(right) / len(right), 4)
    assert "hoodie" not in report["per_class"]


def test_read_boxes__of_held_out_photos(boxes):
    labels = ["pants", "dress", "skirt", "shorts", "shoes", "t-shirt", "shirt", "outwear", "hat"]
    every = people.read_boxes(boxes, labels, {})
    held_out = people.read_boxes(boxes, labels, {}, hold_out=3)
    assert {box.image.name for box in held_out} == {"0.jpg", "3.jpg"}
    assert held_out == [box for box in every if int(box.image.stem) % 3 == 0]


def test_people__finer_labels_of_the_boxes(boxes, tmp_path):
    package = shutil.copytree(SHOPNET, tmp_path / "model")
    described = json.loads((package / "model.json").read_text())
    parents = {"hoodie": "longsleeve"}
    (package / "model.json").write_text(json.dumps(described | {"parents": parents}))
    hoodies = boxes.read_text().count("hoodie")
    assert hoodies
    report = people.people(package, boxes)
    assert report["per_class"]["longsleeve"]["garments"] == hoodies


def test_main(boxes, capsys):
    people.main(["--model", str(SHOPNET), "--boxes", str(boxes), "--json"])
    report = json.loads(capsys.readouterr().out)
    people.main(["--model", str(SHOPNET), "--boxes", str(boxes)])
    text = capsys.readouterr().out
    assert f"accuracy           {report['accuracy']:.3f} [" in text
    assert "said: " in text
