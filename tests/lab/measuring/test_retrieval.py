"""Retrieval by the encoder alone, on catalogs with a known order."""

from argparse import ArgumentTypeError
from pathlib import Path

import numpy as np
import pytest

from ml_models.lab.measuring.retrieval import named_catalog, ranking, read_rows, retrieval, search
from tests.helpers.pictures import encoded, picture, plain
from visualsearch.encoders.onnx import OnnxEncoder

SHOPNET = Path(__file__).resolve().parents[3] / "ml_models/shopnet"


@pytest.fixture(scope="module")
def encoder():
    return OnnxEncoder(SHOPNET)


def write(path, header, *rows):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def catalog(tmp_path):
    """A red and a nearly red product of one style, a blue one of another; one has two photos."""
    shades = {"red": (200, 30, 30), "brick": (185, 55, 40), "blue": (30, 60, 200)}
    for name, colour in shades.items():
        (tmp_path / f"{name}.png").write_bytes(encoded(plain(colour, (80, 80)), "PNG"))
    (tmp_path / "detail.jpg").write_bytes(encoded(picture(1)))
    return write(
        tmp_path / "catalog.csv", "image,sku,style",
        "blue.png,BLUE,cold", "brick.png,BRICK,warm", "red.png,RED,warm", "detail.jpg,RED,warm",
    )  # fmt: skip


def test_retrieval__sku_and_style(encoder, catalog):
    queries = write(
        catalog.with_name("queries.csv"), "image,sku,style",
        "red.png,RED,warm",  # found first
        "red.png,BRICK,warm",  # product second, after the same photo; style first
        "red.png,GONE,",  # unknown product and no style
        "blue.png,BLUE,cold",
    )  # fmt: skip
    report = retrieval(encoder, catalog, queries)
    assert (report["queries"], report["items"]) == (4, 3)
    assert report["sku"] == {"recall@1": 0.5, "recall@5": 0.75, "recall@10": 0.75, "mrr": 0.625}
    assert report["style"] == {"recall@1": 1, "recall@5": 1, "recall@10": 1, "mrr": 1}


def test_retrieval__any_photo_of_a_product_finds_it(encoder, catalog):
    queries = write(catalog.with_name("queries.csv"), "image,sku", "detail.jpg,RED")
    report = retrieval(encoder, catalog, queries)
    assert report["sku"]["recall@1"] == 1
    assert report["style"] == {}


def test_retrieval__intervals_and_views(encoder, catalog):
    queries = write(
        catalog.with_name("queries.csv"), "image,sku,view",
        "red.png,RED,front", "red.png,BRICK,back", "blue.png,BLUE,back", "blue.png,BLUE,",
    )  # fmt: skip
    report = retrieval(encoder, catalog, queries)
    assert report["intervals"]["sku"]["recall@5"] == [1, 1]
    assert report["intervals"]["sku"]["recall@1"] == [0.25, 1]
    views = report["by"]["view"]
    assert {view: row["queries"] for view, row in views.items()} == {"back": 2, "front": 1}
    assert (views["back"]["recall@1"], views["front"]["recall@1"]) == (0.5, 1)
    assert views["back"]["intervals"]["recall@1"] == [0, 1]


def test_search__hits_are_the_best_photos(encoder, catalog):
    queries = write(catalog.with_name("queries.csv"), "image,sku", "detail.jpg,RED")
    (hits,) = search(encoder, catalog, queries, first=2).hits
    assert hits[0][0].image.name == "detail.jpg"
    assert hits[0][1] == pytest.approx(1, abs=1e-3)
    assert len({row.sku for row, _ in hits}) == 2


def test_ranking__counts_products_by_their_best_photo():
    scores = np.array([0.2, 0.9, 0.8, 0.7, 0.95], np.float32)
    assert ranking(scores, ["a", "b", "b", "c", "a"]) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["red.png,"], "line 2: the columns image and sku"),
        (["red.png,RED", "gone.png,GONE"], "line 3: .*gone.png does not exist"),
        ([], "holds no photos"),
    ],
)
def test_read_rows__bad_file(catalog, rows, message):
    with pytest.raises(ValueError, match=message):
        read_rows(write(catalog.with_name("bad.csv"), "image,sku", *rows))


@pytest.mark.shared_data
def test_retrieval__real_photos(encoder, shared_data):
    luma = shared_data / "luma_men"
    report = retrieval(encoder, luma / "catalog.csv", luma / "queries.csv")
    assert (report["queries"], report["items"]) == (122, 199)
    assert report["sku"]["recall@1"] > 0.5
    assert report["sku"]["recall@10"] > 0.85
    assert report["style"]["recall@10"] >= report["sku"]["recall@10"]


@pytest.mark.parametrize("text", ["toy", "toy=a.csv", "=a,b", "toy=a,b,c"])
def test_named_catalog__refused(text):
    with pytest.raises(ArgumentTypeError, match=r"NAME=CATALOG\.csv"):
        named_catalog(text)
