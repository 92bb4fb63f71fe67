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
from types import SimpleNamespace

import numpy as np
import pytest

from ml_models.lab import evaluate, evaluate_plots, resources
from ml_models.lab.reliability import calibration_error, reliability
from ml_models.lab.resources import in_fresh_process, latency_ms
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
    said = evaluate_plots.plot(run[0], tmp_path)
    for name in ("confusion", "reliability", "robustness", "clutter"):
        assert f"{name}.png" in said
        assert (tmp_path / f"{name}.png").read_bytes().startswith(PNG)


def test_plot__without_matplotlib(run, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate_plots, "find_spec", lambda name: None)
    assert "matplotlib is not installed" in evaluate_plots.plot(run[0], tmp_path)
    assert not list(tmp_path.glob("*.png"))


def test_table(run):
    text = evaluate.table(run[0])
    assert "accuracy 0.600 on 5 photos" in text
    assert "recall@10 1.000" in text
    assert "5 photos, distorted, among 5" in text
    assert max(len(line) for line in text.splitlines()) < 100


def test_list_photos__limit(folder):
    labels = OnnxEncoder(SHOPNET).labels
    photos = evaluate.list_photos(folder, labels)
    assert len(photos) == 5
    assert all(path.parent.name == labels[number] for path, number in photos)
    assert len(evaluate.list_photos(folder, labels, 1)) == len({n for _, n in photos})


def test_list_photos__unknown_class(tmp_path):
    (tmp_path / "cats").mkdir()
    with pytest.raises(ValueError, match="none of the model's labels: dress, hat"):
        evaluate.list_photos(tmp_path, ["dress", "hat"])


def test_list_photos__a_finer_class_counts_for_its_parent(tmp_path):
    (tmp_path / "hoodie").mkdir()
    (tmp_path / "hoodie/1.jpg").touch()
    photos = evaluate.list_photos(tmp_path, ["hat", "longsleeve"], parents={"hoodie": "longsleeve"})
    assert photos == [(tmp_path / "hoodie/1.jpg", 1)]


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
    measured = evaluate.measure(finer, folder)
    assert measured.encoder.labels == OnnxEncoder(SHOPNET).labels
    assert measured.right.sum() == 3
    assert measured.right_parents.all()


def test_evaluate__finer_classes_in_a_folder_of_parents(finer, folder, tmp_path):
    (tmp_path / "dress").mkdir()
    for path in folder.rglob("*.jpg"):
        shutil.copy(path, tmp_path / "dress")
    measured = evaluate.measure(finer, tmp_path)
    assert measured.encoder.labels == ["dress"]
    assert measured.right.all()
    assert measured.probabilities.sum(1) == pytest.approx(1, abs=1e-3)


def test_evaluate__against(folder, finer, tmp_path, capsys):
    args = ["--model", str(SHOPNET), "--data", str(folder)]
    evaluate.main([*args, "--against", str(SHOPNET), "--json"])
    found = json.loads(capsys.readouterr().out)["against"]
    assert found["model"].startswith("shopnet")
    assert (found["difference"]["accuracy"], found["p"]["accuracy"]) == (0, 1)
    found = evaluate.compare(evaluate.measure(finer, folder), evaluate.measure(SHOPNET, folder))
    assert found["figures"]["parents_accuracy"] == 0.6
    assert found["difference"]["parents_accuracy"] == 0.4
    assert found["interval"]["parents_accuracy"] == [0, 0.8]
    assert found["p"]["parents_accuracy"] == 0.5
    assert any("p 0.5000" in line for line in evaluate.against_table(found))


def test_evaluate__page(folder, tmp_path, run):
    report = run[0]
    measured = evaluate.measure(SHOPNET, folder)
    order = np.argsort(~measured.right, kind="stable")  # right ones first
    measured = replace(
        measured,
        photos=[measured.photos[k] for k in order],
        probabilities=measured.probabilities[order],
        true=measured.true[order],
    )
    evaluate.write_page(tmp_path, measured, report)
    html = (tmp_path / "index.html").read_text()
    assert html.count('<li class="case') == 5
    assert "right at first (3)" in html
    ranks = re.findall(r"rank (\d+)", html)
    assert ranks[2:] == ["1", "1", "1"]
    assert "1" not in ranks[:2]
    assert len(list((tmp_path / "pictures").iterdir())) == 5


def test_evaluate__page_of_queries(folder, tmp_path, run):
    csv = folder / "all.csv"
    measured = evaluate.measure(SHOPNET, folder, catalog=csv, queries=csv)
    evaluate.write_page(tmp_path, measured, run[0])
    html = (tmp_path / "index.html").read_text()
    assert "right at first (5)" in html
    assert html.count('<li class="no"') == 20


@pytest.mark.parametrize("arguments", ["--catalog a.csv", "--queries a.csv", "--limit 0"])
def test_parse_args__refused(arguments, capsys):
    with pytest.raises(SystemExit):
        evaluate.parse_args(["--model", "m", "--data", "d", *arguments.split()])
    assert "--" in capsys.readouterr().err


def test_evaluate__needs_no_torch():
    code = "import sys; sys.modules['torch'] = None; import ml_models.lab.evaluate"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def guesses(*rows):
    """Return probabilities of three classes and true classes from (top probability, right)."""
    probabilities = np.array([[top, 1 - top - 0.01, 0.01] for top, _ in rows], np.float32)
    return probabilities, np.array([0 if right else 1 for _, right in rows])


def test_calibration_error__is_weighted_by_photos():
    rows = [(0.9, True)] * 2 + [(0.9, False)] * 2 + [(0.6, True)] * 3 + [(0.6, False)] * 3
    # Four photos are overconfident by 0.4, six by 0.1.
    assert calibration_error(reliability(*guesses(*rows))) == pytest.approx(0.22)


def test_calibration_error__too_sure_and_too_unsure_do_not_cancel():
    rows = [(0.9, True), (0.9, False), (0.6, True), (0.6, True)]
    assert calibration_error(reliability(*guesses(*rows))) == pytest.approx(0.4)


def test_calibration_error__of_a_calibrated_model():
    rows = [(0.8, True)] * 8 + [(0.8, False)] * 2
    assert calibration_error(reliability(*guesses(*rows))) == 0


def test_reliability__upper_edges_belong_to_their_bin():
    bins = reliability(np.array([[0.8, 0.2], [1, 0]], np.float32), np.array([0, 0]))
    assert len(bins) == 15
    assert {row["high"]: row["photos"] for row in bins if row["photos"]} == {0.8: 1, 1: 1}


def test_calibration_error__without_photos():
    nothing = np.zeros((0, 3), np.float32), np.zeros(0, np.int64)
    assert calibration_error(reliability(*nothing)) is None


def test_latency__is_per_image(monkeypatch):
    """A model that takes 4 ms per image, measured by a fake clock."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(resources, "time", SimpleNamespace(perf_counter=lambda: clock.now))

    class Worker:
        def encode(self, images):
            clock.now += 0.004 * len(images)

    for batch in (1, 8):
        assert latency_ms(Worker(), batch) == {"p50": 4, "p95": 4}


def test_fresh_process__memory_is_its_own():
    """The parent's memory, which Linux includes in a child's ru_maxrss, is not counted."""
    ballast = np.ones(500_000_000, np.uint8)
    measured = in_fresh_process(SHOPNET)
    assert ballast[-1]
    assert 50 < measured["peak_memory_mb"] < 400
    assert measured["load_ms"] > 1
