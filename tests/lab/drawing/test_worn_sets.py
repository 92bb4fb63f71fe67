"""Putting garments of floor photos on drawn people."""

from collections import Counter

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="PyTorch is not installed: ./run test --lab installs it")

from ml_models.lab.drawing import worn_sets
from ml_models.lab.exceptions import Refused
from ml_models.lab.photos.sources import Example, Kind
from tests.lab.helpers.flat_garments import lying

PINK = (230, 20, 220)


@pytest.fixture
def examples(tmp_path):
    """Three floor photos, one of them unlabelled, and a street photo."""
    lying("t-shirt", colour=PINK)[0].save(tmp_path / "polo.jpg")
    lying("skirt", colour=PINK)[0].save(tmp_path / "skirt.jpg")
    floors = [
        Example(image=tmp_path / "polo.jpg", kind=Kind.FLOOR, allowed=("polo",), label="polo"),
        Example(image=tmp_path / "skirt.jpg", kind=Kind.FLOOR, allowed=("skirt",), label="skirt"),
        Example(image=tmp_path / "skirt.jpg", kind=Kind.FLOOR, allowed=(), label="not sure"),
    ]
    street = Example(image=tmp_path / "s.jpg", kind=Kind.STREET, allowed=("hat",), label="hat")
    return [*floors, street]


def test_make_worn__as_often_as_the_class_is_rare(examples, tmp_path):
    worn_sets.make_worn(examples, tmp_path / "worn", seed=1)
    found = worn_sets.read_worn(tmp_path / "worn")
    assert Counter(each.label for each in found) == {"polo": 2, "skirt": 3}
    for each in found:
        assert each.kind is Kind.WORN
        assert each.allowed == (each.label,)
        assert each.alone == (tmp_path / f"{each.label}.jpg").resolve()
        with Image.open(each.image) as image:
            assert image.size == worn_sets.SIZE


def test_make_worn__boxes_hold_the_garment(examples, tmp_path):
    """Check the boxes by the garments' colour, which nothing else has."""
    worn_sets.make_worn(examples, tmp_path / "worn", seed=1)
    for each in worn_sets.read_worn(tmp_path / "worn"):
        x, y, w, h = each.place
        assert x >= 0 < w and y >= 0 < h and x + w <= 1.001 and y + h <= 1.001  # noqa: PT018
        image = Image.open(each.image).convert("RGB")
        inside = image.crop(
            [round(n * side) for n, side in zip((x, y, x + w, y + h), image.size * 2, strict=True)]
        )
        assert pink(inside) > 0.95 * pink(image) > 1000


def pink(image):
    pixels = np.asarray(image.convert("RGB"), np.float32)
    return (pixels[..., ::2].min(-1) > 2 * pixels[..., 1]).sum()


def test_make_worn__same_in_two_processes(examples, tmp_path):
    for workers in (1, 2):
        worn_sets.make_worn(examples, tmp_path / str(workers), 3, workers)
    pictures = [
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "12"
    ]
    assert len(pictures[0]) == 6
    assert pictures[0] == pictures[1]


def test_plan__no_more_than_a_number_of_a_label(tmp_path):
    many = [
        Example(image=tmp_path / f"{k}.jpg", kind=Kind.FLOOR, allowed=("shoes",), label="shoes")
        for k in range(100)
    ]
    jobs = worn_sets.plan(many, tmp_path, seed=0)
    assert len({job.alone for job in jobs}) == len(jobs) == 80
    assert jobs == worn_sets.plan(many, tmp_path, seed=0) != worn_sets.plan(many, tmp_path, seed=1)


def test_read_worn__unfinished(tmp_path):
    with pytest.raises(Refused, match="start the same command again"):
        worn_sets.read_worn(tmp_path)
