"""Figures of garments on people, checked by hand."""

import json
import shutil
from pathlib import Path

import numpy as np

from ml_models.lab import people
from ml_models.lab.measuring.parent_classes import ParentEncoder
from ml_models.lab.photos.boxes import crops, read_boxes

SHOPNET = Path(__file__).resolve().parents[2] / "ml_models/shopnet"

HEADER = "image,label,tag,x,y,w,h,area\n"


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
    report = people.garment_figures(probabilities, true, ["a", "b", "c"])
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
    listed = read_boxes(boxes, encoder.labels, encoder.package.parents)
    said = [
        encoder.labels[int(encoder.encode([part]).probabilities[0].argmax())]
        for part in crops(listed)
    ]
    right = [a == box.label for a, box in zip(said, listed, strict=True)]
    assert report["garments"] == len(listed)
    assert report["accuracy"] == round(sum(right) / len(right), 4)
    assert "hoodie" not in report["per_class"]


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
