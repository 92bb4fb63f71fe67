import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from shop.models import Product
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.evaluation.labelled_photos import (
    LabelledPhoto,
    Measured,
    Outcome,
    compare_measurements,
)
from visualsearch.models import IndexVersion, Query


@pytest.fixture
def queries(sell, tmp_path):
    """P0…P7 in styles S0…S3; four photos: two right, one of the same style, one misleading."""
    for n in range(8):
        sell(f"P{n}", picture(n), style=f"S{n // 2}", category="Hats" if n < 4 else "Shirts")
    reindex()
    rows = [
        ("P0", "S0", 0, "back"),
        ("P3", "S1", 3, ""),
        ("P4", "S2", 5, "back"),
        ("P6", "S3", 1, "alt1"),
    ]
    path = tmp_path / "queries.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "sku", "style", "view"])
        for sku, style, seed, view in rows:
            (tmp_path / f"{sku}.jpg").write_bytes(encoded(picture(seed)))
            writer.writerow([f"{sku}.jpg", sku, style, view])
    return path


def evaluated(capsys, *arguments):
    call_command("visualsearch_evaluate", *map(str, arguments), "--json")
    return json.loads(capsys.readouterr().out)


def test_evaluate__json(queries, capsys):
    call_command("visualsearch_evaluate", str(queries), "--json")
    report = json.loads(capsys.readouterr().out)
    assert set(report) == {
        "queries", "items", "sku", "style", "encoder", "latency_ms", "intervals", "by",
    }  # fmt: skip
    assert (report["queries"], report["items"]) == (4, 8)
    assert set(report["sku"]) == {"recall@1", "recall@5", "recall@10", "mrr"}
    assert report["sku"]["recall@1"] == 0.5
    assert report["style"]["recall@1"] == 0.75
    assert report["sku"]["recall@10"] == 1.0
    assert 0.5 < report["sku"]["mrr"] < 1
    assert report["encoder"] == "fake-1"
    assert not Query.objects.exists()
    assert 0 < report["latency_ms"]["p50"] <= report["latency_ms"]["p95"]


def test_evaluate__without_styles(queries, capsys):
    lines = [",".join(line.split(",")[:2]) for line in queries.read_text().splitlines()]
    queries.write_text("\n".join(lines))
    call_command("visualsearch_evaluate", str(queries), "--json")
    assert json.loads(capsys.readouterr().out)["style"] == {}
    call_command("visualsearch_evaluate", str(queries))
    printed = capsys.readouterr().out
    assert "0.500 [0.000, 1.000]" in printed
    assert "style " not in printed


def test_evaluate__intervals(queries, capsys):
    report = evaluated(capsys, queries)
    assert set(report["intervals"]) == {"sku", "style"}
    for kind in ("sku", "style"):
        assert set(report["intervals"][kind]) == set(report[kind])
        for name, (low, high) in report["intervals"][kind].items():
            assert 0 <= low <= report[kind][name] <= high <= 1
    assert report["intervals"]["sku"]["recall@1"] == [0, 1]
    assert evaluated(capsys, queries)["intervals"] == report["intervals"]


def test_evaluate__by_category_and_view(queries, capsys):
    by = evaluated(capsys, queries)["by"]
    assert set(by) == {"category", "view"}
    hats, shirts = by["category"]["Hats"], by["category"]["Shirts"]
    assert (hats["queries"], hats["recall@1"], hats["intervals"]["recall@1"]) == (2, 1, [1, 1])
    assert (shirts["queries"], shirts["recall@1"]) == (2, 0)
    assert {name: row["queries"] for name, row in by["view"].items()} == {"alt1": 1, "back": 2}
    assert by["view"]["back"]["recall@1"] == 0.5


def test_evaluate__without_views(queries, capsys):
    lines = [",".join(line.split(",")[:3]) for line in queries.read_text().splitlines()]
    queries.write_text("\n".join(lines))
    assert evaluated(capsys, queries)["by"]["view"] == {}


def test_evaluate__compare(queries, capsys, configure):
    """Compare with the previous version, whose encoder differs only in its name."""
    first = IndexVersion.objects.get(state="active").pk
    configure(ENCODER_OPTIONS={"version": "2"})
    reindex()
    whole = evaluated(capsys, queries, "--compare", first)
    assert whole["encoder"] == "fake-2"
    report = whole["compared"]
    assert (report["version"], report["encoder"]) == (first, "fake-1")
    assert report["difference"]["sku"] == dict.fromkeys(report["sku"], 0)
    assert report["interval"]["style"]["mrr"] == [0, 0]
    assert report["p"]["sku"]["recall@5"] == 1


def test_compare__the_sign_and_the_p_value():
    def measured(version, ranks):
        photo = LabelledPhoto(image=Path("a.jpg"), item="A")
        outcomes = [
            Outcome(photo=photo, rank=rank, style_rank=None, hits=[], took_ms=1) for rank in ranks
        ]
        return Measured(
            version=version, encoder=f"e{version}", items=9, outcomes=outcomes, category={}
        )

    found = compare_measurements(measured(2, [1, 1, 1, 1]), measured(1, [2, 4, 2, None]))
    assert (found["version"], found["encoder"]) == (1, "e1")
    assert found["sku"]["recall@1"] == 0
    assert found["difference"]["sku"]["recall@1"] == 1
    assert found["difference"]["sku"]["recall@5"] == 0.25
    assert found["interval"]["sku"]["recall@1"] == [1, 1]
    assert found["p"]["sku"]["recall@1"] == 2 / 16
    assert found["difference"]["style"] == {}


def test_evaluate__compare_printed(queries, capsys):
    first = IndexVersion.objects.get(state="active").pk
    call_command("visualsearch_evaluate", str(queries), "--compare", str(first))
    printed = capsys.readouterr().out
    assert f"Difference from index version {first}, fake-1" in printed
    assert "+0.000" in printed
    assert "By category" in printed
    assert max(len(line) for line in printed.splitlines()) < 110


def test_evaluate__compare_with_a_version_that_is_not_there(queries):
    with pytest.raises(CommandError):
        call_command("visualsearch_evaluate", str(queries), "--compare", "4711")


def test_evaluate__page(queries, tmp_path, capsys):
    folder = tmp_path / "page/here"
    call_command("visualsearch_evaluate", str(queries), "--json", "--page", str(folder))
    said = capsys.readouterr()
    assert json.loads(said.out)["queries"] == 4
    assert str(folder / "index.html") in said.err
    html = (folder / "index.html").read_text()
    assert html.count('<li class="case') == 4
    assert html.count('<li class="yes"') == 4
    assert html.count('<li class="no"') == 16
    assert "Product P3 (P3)" in html
    assert "first result (2)" in html
    for name in re.findall(r'src="([^"]+)"', html):
        with Image.open(folder / name) as image:
            assert image.format == "JPEG"
            assert max(image.size) <= 144


def test_evaluate__page_shows_the_picture_that_matched(sell, tmp_path):
    """The page shows the picture that matched, even if it is not the product's first."""
    sell("A", picture(1), picture(2))
    reindex()
    (tmp_path / "asked.jpg").write_bytes(encoded(picture(2)))
    (tmp_path / "one.csv").write_text("image,sku\nasked.jpg,A\n")
    call_command("visualsearch_evaluate", str(tmp_path / "one.csv"), "--page", str(tmp_path))
    sources = re.findall(r'src="([^"]+)"', (tmp_path / "index.html").read_text())
    asked, answer, hit = (np.asarray(Image.open(tmp_path / name), float) for name in sources)
    assert np.abs(asked - hit).mean() < 5
    assert np.abs(asked - answer).mean() > 20


def test_evaluate__page_without_a_picture(queries, tmp_path):
    """The page is written even if a product's picture file is missing."""
    for picture_of in Product.objects.get(sku="P0").images.all():
        picture_of.image.storage.delete(picture_of.image.name)
    call_command("visualsearch_evaluate", str(queries), "--page", str(tmp_path / "page"))
    assert "no picture" in (tmp_path / "page/index.html").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,sku\n", "contains no queries"),
        ("image,sku\nnone.jpg,A\n", "line 2: .*none.jpg does not exist"),
        ("image,sku\nP0.jpg,\n", "line 2: the columns image and sku"),
        ("picture,sku\nP0.jpg,A\n", "line 2: the columns image and sku"),
    ],
)
def test_evaluate__bad_file(queries, text, message):
    queries.write_text(text)
    with pytest.raises(CommandError, match=message):
        call_command("visualsearch_evaluate", str(queries))


def test_evaluate__missing_file():
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("visualsearch_evaluate", "/nowhere.csv")
