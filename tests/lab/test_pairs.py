"""Matching worn garments with the same ones alone, by the shipped model on drawings."""

import json
from pathlib import Path

import pytest

from ml_models.lab import pairs
from tests.helpers.pictures import picture
from tests.lab.helpers.flat_garments import lying

SHOPNET = Path(__file__).resolve().parents[2] / "ml_models/shopnet"

COLOURS = {"red": (190, 40, 40), "blue": (40, 60, 170)}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Drawn photos of two garments of each of three classes on a floor, and of a bag."""
    folder = tmp_path_factory.mktemp("drawn")
    for label in ("t-shirt", "pants", "dress"):
        (folder / label).mkdir()
        for name, colour in COLOURS.items():
            lying(label, colour=colour)[0].save(folder / label / f"{name}.png")
    (folder / "bag").mkdir()
    picture(1).save(folder / "bag/1.png")
    return folder


def test_pairs__what_is_worn_is_found(drawn, capsys):
    pairs.main(["--model", str(SHOPNET), "--data", str(drawn), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["pairs"], found["gallery"]) == (6, 7)
    for kind in ("outfit", "cropped"):
        row = found[kind]
        assert set(row["intervals"]) == {
            "recall@1",
            "recall@5",
            "recall@10",
            "mrr",
            "class",
            "place",
        }
        low, high = row["intervals"]["recall@1"]
        assert low <= row["recall@1"] <= high
    # Guessing would be right once in seven.
    assert found["cropped"]["recall@1"] > 0.5
    assert found["cropped"]["place"] == 1
    text = pairs.table(found)
    assert "6 worn garments, 7 alone" in text
    assert text.count("place") == 2


def test_pairs__the_same_twice(drawn):
    assert pairs.pairs(SHOPNET, drawn, 1) == pairs.pairs(SHOPNET, drawn, 1)


def test_pairs__nothing_to_cut_out(drawn, tmp_path):
    (tmp_path / "bag").symlink_to(drawn / "bag")
    with pytest.raises(ValueError, match="can be cut out: give photos of"):
        pairs.pairs(SHOPNET, tmp_path)


@pytest.mark.parametrize(
    ("other", "wanted"),
    [((0, 0, 0.5, 1), 1), ((0.25, 0, 0.5, 1), 1 / 3), ((0.5, 0, 0.5, 1), 0)],
)
def test_overlap__intersection_over_union(other, wanted):
    assert pairs.overlap((0, 0, 0.5, 1), other) == pytest.approx(wanted)
