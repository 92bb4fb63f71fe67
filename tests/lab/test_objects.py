"""The command that adds an object model to a package."""

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: ./run test --lab installs it")

from ml_models.lab import objects
from ml_models.lab.exceptions import Refused
from tests.helpers.pictures import encoded, plain
from visualsearch.encoders.objects import find_objects
from visualsearch.encoders.onnx import OnnxEncoder

SHOPNET = Path(__file__).resolve().parents[2] / "ml_models/shopnet"


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "shopnet"
    shutil.copytree(SHOPNET, folder)
    (folder / "objects.onnx").unlink()
    path = folder / "model.json"
    described = json.loads(path.read_text())
    del described["objects"]
    path.write_text(json.dumps(described))
    return folder


@pytest.fixture
def garments(tmp_path):
    """A shirt and trousers, drawn on a table."""
    for label, parts in (
        ("t-shirt", ((60, 60, 180, 90), (90, 60, 150, 190))),
        ("pants", ((80, 40, 115, 210), (125, 40, 160, 210), (80, 40, 160, 90))),
    ):
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        image = plain((214, 205, 190), (240, 250))
        for part in parts:
            image.paste((40, 60, 130), part)
        (folder / "1.jpg").write_bytes(encoded(image))
    return tmp_path / "photos"


@pytest.mark.usefixtures("one_thread")
def test_main__adds_an_object_model(package, garments, boxes):
    options = ["--scenes", "130", "--drawn", "10", "--street", "10", "--epochs", "1"]
    objects.main(
        ["--model", str(package), "--data", str(garments), "--boxes", str(boxes), *options]
    )
    described = json.loads((package / "model.json").read_text())
    assert described["objects"]["recipe"]["scenes"] == 130
    encoder, shipped = OnnxEncoder(package), OnnxEncoder(SHOPNET)
    assert encoder.id == shipped.id
    _, cells = encoder.see(plain("red"))
    found = encoder.detect(cells)
    assert found.boxes.shape == (196, 4)
    assert found.probabilities.shape == (196, len(encoder.labels))
    find_objects(encoder, cells)


def test_cut_outs__nothing_to_cut_out(tmp_path):
    folder = tmp_path / "photos" / "hat"
    folder.mkdir(parents=True)
    (folder / "1.jpg").write_bytes(encoded(plain("white")))
    args = objects.parse_args(["--model", str(SHOPNET), "--data", str(tmp_path / "photos")])
    with pytest.raises(Refused, match="can be cut out"):
        objects.cut_outs(args, ["hat"], {})


def test_street_photos__held_out(boxes):
    args = objects.parse_args(
        ["--model", str(SHOPNET), "--data", ".", "--boxes", str(boxes), "--hold-out", "3"]
    )
    photos = objects.street_photos(args, ["longsleeve", "pants", "skirt"], {"hoodie": "longsleeve"})
    assert {photo[0].image.stem for photo in photos} <= {"1", "2", "4", "5"}
    assert photos
    assert all(len({box.image for box in photo}) == 1 for photo in photos)
