"""Measurements of a package on photos with known right answers."""

import io
import json
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml_models.lab import evaluate
from ml_models.lab.measuring import classification
from ml_models.lab.reports import evaluation_page, evaluation_plots, evaluation_text
from tests.helpers.pictures import encoded, picture
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos.decode import open_photo

ROOT = Path(__file__).resolve().parents[2]

SHOPNET = ROOT / "ml_models/shopnet"

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five photos: three in the folder of the model's class, two in another one."""
    encoder = OnnxEncoder(SHOPNET)
    root = tmp_path_factory.mktemp("photos")
    for n in range(5):
        data = encoded(picture(n), quality=95)
        seen = int(encoder.encode([open_photo(data).image]).probabilities[0].argmax())
        label = encoder.labels[(seen + (n >= 3)) % len(encoder.labels)]
        (root / label).mkdir(exist_ok=True)
        (root / label / f"{n}.jpg").write_bytes(data)
    (next(root.iterdir()) / "notes.txt").write_text("no photo")
    return root


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    """The two outputs and the folder of a complete run of the command."""
    csv, out = folder / "all.csv", tmp_path_factory.mktemp("report") / "made/here"
    rows = [f"{path.relative_to(folder)},{path.stem}\n" for path in folder.rglob("*.jpg")]
    csv.write_text("image,sku\n" + "".join(rows))
    with redirect_stdout(io.StringIO()) as stdout, redirect_stderr(io.StringIO()) as stderr:
        evaluate.main(
            f"--model {SHOPNET} --data {folder} --json --robustness --catalog {csv} "
            f"--queries {csv} --instances {folder} --gallery 3 --out {out}".split()
        )
    return json.loads(stdout.getvalue()), stderr.getvalue(), out


def test_evaluate__accuracy_and_classes(run, folder):
    report = run[0]
    assert (report["photos"], report["accuracy"]) == (5, 0.6)
    counts = np.array(report["confusion"]["counts"])
    assert (counts.sum(), counts.trace()) == (5, 3)
    for k, label in enumerate(report["confusion"]["labels"]):
        figures = report["per_class"][label]
        assert figures["photos"] == counts[k].sum() == len(list((folder / label).glob("*.jpg")))
        if counts[k].sum():
            assert figures["recall"] == pytest.approx(counts[k, k] / counts[k].sum(), abs=1e-4)
        if counts[:, k].sum():
            assert figures["precision"] == pytest.approx(
                counts[k, k] / counts[:, k].sum(), abs=1e-4
            )


def test_evaluate__fields_that_others_read(run):
    report = run[0]
    assert report["size_bytes"] == (SHOPNET / "model.onnx").stat().st_size
    assert report["resources"]["size_mb"] == pytest.approx(report["size_bytes"] / 1e6, abs=0.01)
    assert report["latency_ms"] == report["resources"]["latency_ms"]["1"]
    assert set(report["resources"]["latency_ms"]) == {"1", "8", "32"}
    assert sum(row["photos"] for row in report["reliability"]) == 5
    assert report["retrieval"]["sku"]["recall@1"] == 1
    assert (report["instances"]["queries"], report["instances"]["gallery"]) == (5, 5)


def test_evaluate__undistorted_is_plain_accuracy(run):
    report = run[0]
    for name, level in (("rotation", 0), ("blur", 0), ("crop", 1), ("clutter", 1)):
        (row,) = (row for row in report["robustness"][name] if row["level"] == level)
        assert row["accuracy"] == report["accuracy"], name
        assert row["similarity"] == pytest.approx(1, abs=2e-3), name


def test_evaluate__out(run):
    report, said, out = run
    assert json.loads((out / "report.json").read_text()) == report
    assert str(out) in said


def test_plot(run, tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: it is in the lab's list")
    said = evaluation_plots.plot(run[0], tmp_path)
    for name in ("confusion", "reliability", "robustness", "clutter"):
        assert f"{name}.png" in said
        assert (tmp_path / f"{name}.png").read_bytes().startswith(PNG)


def test_plot__without_matplotlib(run, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation_plots, "find_spec", lambda name: None)
    assert "matplotlib is not installed" in evaluation_plots.plot(run[0], tmp_path)
    assert not list(tmp_path.glob("*.png"))


def test_table(run):
    text = evaluation_text.table(run[0])
    assert "accuracy 0.600 on 5 photos" in text
    assert "recall@10 1.000" in text
    assert "5 photos, distorted, among 5" in text
    assert max(len(line) for line in text.splitlines()) < 100


def test_evaluate__intervals(run):
    report = run[0]
    assert report["intervals"]["accuracy"] == [0.2, 1]
    for label, row in report["per_class"].items():
        ends = report["intervals"]["per_class"][label]
        assert ("recall" in ends) == (row["recall"] is not None)
        assert ("precision" in ends) == (row["precision"] is not None)
        for name, (low, high) in ends.items():
            assert low <= row[name] <= high
    assert set(report["retrieval"]["intervals"]["sku"]) == set(report["retrieval"]["sku"])


@pytest.fixture(scope="module")
def finer(tmp_path_factory):
    """The shipped package, with some classes declared as finer ones of others."""
    package = shutil.copytree(SHOPNET, tmp_path_factory.mktemp("finer") / "model")
    described = json.loads((package / "model.json").read_text())
    parents = {label: "dress" for label in described["labels"] if label != "dress"}
    (package / "model.json").write_text(json.dumps(described | {"id": "finer", "parents": parents}))
    return package


def test_evaluate__finer_classes_in_a_folder_of_them(finer, folder):
    measured = classification.measure(finer, folder)
    assert measured.encoder.labels == OnnxEncoder(SHOPNET).labels
    assert measured.right.sum() == 3
    assert measured.right_parents.all()


def test_evaluate__finer_classes_in_a_folder_of_parents(finer, folder, tmp_path):
    (tmp_path / "dress").mkdir()
    for path in folder.rglob("*.jpg"):
        shutil.copy(path, tmp_path / "dress")
    measured = classification.measure(finer, tmp_path)
    assert measured.encoder.labels == ["dress"]
    assert measured.right.all()
    assert measured.probabilities.sum(1) == pytest.approx(1, abs=1e-3)


def test_evaluate__against(folder, finer, tmp_path, capsys):
    args = ["--model", str(SHOPNET), "--data", str(folder)]
    evaluate.main([*args, "--against", str(SHOPNET), "--json"])
    found = json.loads(capsys.readouterr().out)["against"]
    assert found["model"].startswith("shopnet")
    assert (found["difference"]["accuracy"], found["p"]["accuracy"]) == (0, 1)
    found = classification.compare(
        classification.measure(finer, folder), classification.measure(SHOPNET, folder)
    )
    assert found["figures"]["parents_accuracy"] == 0.6
    assert found["difference"]["parents_accuracy"] == 0.4
    assert found["interval"]["parents_accuracy"] == [0, 0.8]
    assert found["p"]["parents_accuracy"] == 0.5
    assert any("p 0.5000" in line for line in evaluation_text.against_lines(found))


def test_evaluate__page(folder, tmp_path, run):
    report = run[0]
    measured = classification.measure(SHOPNET, folder)
    order = np.argsort(~measured.right, kind="stable")  # right ones first
    measured = replace(
        measured,
        photos=[measured.photos[k] for k in order],
        probabilities=measured.probabilities[order],
        true=measured.true[order],
    )
    evaluation_page.write_page(tmp_path, measured, report)
    html = (tmp_path / "index.html").read_text()
    assert html.count('<li class="case') == 5
    assert "first result (3)" in html
    ranks = re.findall(r"rank (\d+)", html)
    assert ranks[2:] == ["1", "1", "1"]
    assert "1" not in ranks[:2]
    assert len(list((tmp_path / "pictures").iterdir())) == 5


def test_evaluate__page_of_queries(folder, tmp_path, run):
    csv = folder / "all.csv"
    measured = classification.measure(SHOPNET, folder, catalog=csv, queries=csv)
    evaluation_page.write_page(tmp_path, measured, run[0])
    html = (tmp_path / "index.html").read_text()
    assert "first result (5)" in html
    assert html.count('<li class="no"') == 20


@pytest.mark.parametrize("arguments", ["--catalog a.csv", "--queries a.csv", "--limit 0"])
def test_parse_args__refused(arguments, capsys):
    with pytest.raises(SystemExit):
        evaluate.parse_args(["--model", "m", "--data", "d", *arguments.split()])
    assert "--" in capsys.readouterr().err


def test_evaluate__needs_no_torch():
    code = "import sys; sys.modules['torch'] = None; import ml_models.lab.evaluate"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
