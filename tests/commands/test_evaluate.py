import csv
import json

import pytest
from django.core.management import CommandError, call_command

from tests.pictures import encoded, picture
from tests.reindex import reindex
from visualsearch.models import Query


@pytest.fixture
def queries(sell, tmp_path):
    """P0…P7 in styles S0…S3; four photos: two right, one of the same style, one misleading."""
    for n in range(8):
        sell(f"P{n}", picture(n), style=f"S{n // 2}")
    reindex()
    rows = [("P0", "S0", 0), ("P3", "S1", 3), ("P4", "S2", 5), ("P6", "S3", 1)]
    path = tmp_path / "queries.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "sku", "style"])
        for sku, style, seed in rows:
            (tmp_path / f"{sku}.jpg").write_bytes(encoded(picture(seed)))
            writer.writerow([f"{sku}.jpg", sku, style])
    return path


def test_evaluate__json(queries, capsys):
    call_command("visualsearch_evaluate", str(queries), "--json")
    report = json.loads(capsys.readouterr().out)
    assert set(report) == {"queries", "items", "sku", "style", "encoder", "latency_ms"}
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
    assert "recall@1 0.500" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,sku\n", "holds no queries"),
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
