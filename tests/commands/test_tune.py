import csv
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.indexes import catalog_fit
from visualsearch.models import Run
from visualsearch.reindex import runs
from visualsearch.versions import lifecycle


@pytest.fixture(autouse=True)
def small_catalogs(monkeypatch):
    monkeypatch.setattr(catalog_fit, "LEAST", 8)


@pytest.fixture
def labelled(tmp_path, configure):
    path = tmp_path / "queries.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "sku"])
        for n in range(8):
            (tmp_path / f"{n}.jpg").write_bytes(encoded(picture(n)))
            writer.writerow([f"{n}.jpg", f"P{n}"])
    configure(LABELLED_QUERIES=str(path))


def tune(capsys, *args):
    call_command("visualsearch_tune", *args)
    return capsys.readouterr()


def test_tune__by_the_catalog_alone(sold, capsys, configure):
    configure(FIT=False)
    reindex()
    configure(FIT=True)
    printed = tune(capsys).out.splitlines()
    version = lifecycle.active_version()
    assert printed == [
        "There are no labelled queries, so the weights are chosen by the catalog alone.",
        f"Index version {version.pk} is active: embedding 1.00, chosen by catalog.",
    ]


def test_tune__prints_what_was_compared(sold, labelled, capsys):
    first = reindex().version
    printed = tune(capsys)
    lines = printed.out.splitlines()
    assert lines[0] == "Over 8 labelled photos:"
    assert lines[1].split() == ["recall@1", "recall@5", "recall@10", "mrr", "weights"]
    assert lines[2].split() == ["current", "weights", *["1.000"] * 4, "embedding", "1.00"]
    assert [line[:22].strip() for line in lines[3:5]] == [
        "fitted to the catalog",
        "fitted with labels",
    ]
    assert "not active" in lines[5]
    assert "on 8 labelled searches, it finds no more products" in printed.err
    assert lifecycle.active_version() == first


def test_tune__json(sold, labelled, capsys):
    reindex()
    report = json.loads(tune(capsys, "--json", "--no-activate").out)
    assert report["shares"] == {"embedding": 1}
    assert report["images"] == 8
    assert [option["recall@1"] for option in report["tried"]] == [1, 1, 1]
    assert (report["active"], report["chosen"], report["queries"]) == (False, "catalog", 8)
    listed = json.loads(list_versions(capsys))
    assert listed[0]["fit"]["chosen"] == "catalog"
    assert "mean" not in listed[0]["fit"]


def list_versions(capsys):
    call_command("visualsearch_versions", "--json")
    return capsys.readouterr().out


def test_tune__refused(db, capsys, sold):
    with pytest.raises(CommandError, match="not indexed yet"):
        tune(capsys)
    reindex()
    runs.request(Run.Scope.ALL)
    with pytest.raises(CommandError, match="is open"):
        tune(capsys)
