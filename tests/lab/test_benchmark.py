"""Architectures compared, on a data set of two colours that any of them can learn."""

import json

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import benchmark  # noqa: E402
from ml_models.lab.architectures import ARCHITECTURES, Served, make  # noqa: E402
from ml_models.lab.benchmark_report import alike, confused_pairs, groups_in_words  # noqa: E402
from ml_models.lab.catalog import Refused  # noqa: E402
from ml_models.lab.tracking import connect  # noqa: E402
from visualsearch.encoders.onnx import OnnxEncoder  # noqa: E402


def arguments(photos, weights, out, *more):
    return [
        "--data", str(photos), "--validation", str(photos), "--out", str(out),
        "--architectures", "mobilenetv2", "--weights", f"mobilenetv2={weights}",
        "--epochs", "2", "--side", "32", "--batch", "2", "--lr", "1e-3", "--json", *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def small_photos(tmp_path_factory):
    """Two colours with a little noise: a folder per class."""
    folder, rng = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    for colour, rgb in {"red": (210, 40, 40), "blue": (40, 40, 210)}.items():
        (folder / colour).mkdir()
        for n in range(8):
            pixels = np.clip(np.array(rgb) + rng.normal(0, 12, (48, 48, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / colour / f"{n}.png")
    return folder


@pytest.fixture(scope="module")
def finished(small_photos, weights, tmp_path_factory):
    """The folder of one comparison, from scratch and from weights; tests only read it."""
    out = tmp_path_factory.mktemp("benchmark")
    benchmark.main(arguments(small_photos, weights, out))
    return out


def results(out):
    report = json.loads((out / "benchmark.json").read_text())
    return {row["name"]: row for row in report["architectures"]}


def test_benchmark__learns_and_counts_add_up(finished):
    rows = results(finished)
    assert [(name, row["start"]) for name, row in rows.items()] == [
        ("mobilenetv2", "scratch"),
        ("mobilenetv2-pretrained", "pretrained"),
    ]
    for row in rows.values():
        counts = np.array(row["confusion"]["counts"])
        assert counts.sum(1).tolist() == [8, 8]
        assert row["accuracy"] == pytest.approx(counts.trace() / 16)
        assert row["latency_ms"] > 0
        assert row["training_seconds"] > 0
        assert row["training_cpu_seconds"] > 0
        # A process with a model holds more than the model.
        assert row["peak_memory_mb"] > row["size_mb"] > row["parameters"] * 4 / 1.1e6
    assert rows["mobilenetv2-pretrained"]["accuracy"] > 0.9


def test_benchmark__the_package_serves_what_was_measured(finished, small_photos):
    encoder = OnnxEncoder(finished / "mobilenetv2-pretrained")
    photos = sorted(small_photos.glob("*/*.png"))
    encoding = encoder.encode([Image.open(path).convert("RGB") for path in photos])
    found = [encoder.labels[k] for k in encoding.probabilities.argmax(1)]
    right = np.mean([name == path.parent.name for name, path in zip(found, photos, strict=True)])
    assert right == pytest.approx(results(finished)["mobilenetv2-pretrained"]["accuracy"])
    assert np.linalg.norm(encoding.embeddings, axis=1) == pytest.approx(1, abs=1e-5)


def test_benchmark__writes_tables_and_pictures(finished):
    text = (finished / "benchmark.md").read_text()
    scratch, pretrained = text.split("## From pretrained weights")
    assert "| mobilenetv2 |" in scratch
    assert "| mobilenetv2-pretrained |" in pretrained
    assert "do not compare architectures" in pretrained
    for name in ("benchmark.png", "mobilenetv2/confusion.png"):
        with Image.open(finished / name) as image:
            # More than one colour: something was drawn.
            assert len(image.convert("RGB").getcolors(1 << 20)) > 10


def test_benchmark__runs_are_tracked(finished):
    client = connect((finished / "mlruns").as_uri())
    experiments = [e.experiment_id for e in client.search_experiments()]
    runs = {run.info.run_name: run for run in client.search_runs(experiments)}
    assert set(runs) == {"mobilenetv2", "mobilenetv2-pretrained"}
    run = runs["mobilenetv2"]
    assert run.info.status == "FINISHED"
    assert run.data.params["epochs"] == "2"
    row = results(finished)["mobilenetv2"]
    assert run.data.metrics["latency_ms"] == row["latency_ms"]
    assert {m.step for m in client.get_metric_history(run.info.run_id, "loss")} == {1, 2}
    kept = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"confusion.png", "result.json", "model.onnx", "model.json"} <= kept


def test_benchmark__trains_nothing_twice(finished, small_photos, weights, capsys):
    path = finished / "mobilenetv2" / "model.onnx"
    before, runs = path.stat().st_mtime_ns, sorted(finished.glob("mlruns/*/*/meta.yaml"))
    capsys.readouterr()
    benchmark.main(arguments(small_photos, weights, finished))
    assert path.stat().st_mtime_ns == before
    assert sorted(finished.glob("mlruns/*/*/meta.yaml")) == runs
    assert json.loads(capsys.readouterr().out)["architectures"] == list(results(finished).values())


def test_benchmark__other_settings_are_no_finished_result(finished, small_photos, weights):
    args = benchmark.parse_args(arguments(small_photos, weights, finished))
    loaded = benchmark.load(args)
    same = benchmark.settings(args, None, *loaded)
    assert benchmark.finished(finished / "mobilenetv2", same)
    for name, value in (("epochs", 3), ("lr", 1e-4), ("bf16", True)):
        other = benchmark.parse_args(arguments(small_photos, weights, finished))
        setattr(other, name, value)
        wanted = benchmark.settings(other, None, *loaded)
        assert not benchmark.finished(finished / "mobilenetv2", wanted)
    assert not benchmark.finished(
        finished / "mobilenetv2", benchmark.settings(args, weights, *loaded)
    )


def test_benchmark__holds_out_a_fifth_of_each_class(small_photos, weights, tmp_path):
    args = benchmark.parse_args(arguments(small_photos, weights, tmp_path))
    args.validation = None
    photos, held_out = benchmark.load(args)
    assert len(photos.labels) + len(held_out.labels) == 16
    assert not set(photos.groups) & set(held_out.groups)
    assert set(held_out.labels.tolist()) == {0, 1}


def test_benchmark__refuses_other_classes_in_validation(small_photos, weights, photos, tmp_path):
    (photos / "red").rename(photos / "green")
    args = benchmark.parse_args(arguments(small_photos, weights, tmp_path))
    args.validation = photos
    with pytest.raises(Refused, match="different classes"):
        benchmark.load(args)


@pytest.mark.parametrize("wrong", [["--architectures", "vgg"], ["--epochs", "0"]])
def test_benchmark__refuses_arguments(small_photos, weights, tmp_path, wrong):
    with pytest.raises(SystemExit):
        benchmark.parse_args(arguments(small_photos, weights, tmp_path, *wrong))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architectures__any_side_and_a_package_of_two_outputs(name):
    model = make(name, 3).eval()
    with torch.no_grad():
        image = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
        embedding, probabilities = Served(model)(image)
        logits = model(image.permute(0, 3, 1, 2).float() / 127.5 - 1)
    assert embedding.norm(dim=1).tolist() == pytest.approx([1, 1], abs=1e-5)
    assert torch.allclose(probabilities, logits.softmax(1), atol=1e-5)
    assert logits.shape == (2, 3)


def test_architectures__start_from_stored_features(tmp_path):
    library = pytest.importorskip("pytorchcv.models.resnet")
    stored = library.resnet50(num_classes=7).state_dict()
    torch.save(stored, tmp_path / "resnet50.pth")
    model = make("resnet50", 3, tmp_path / "resnet50.pth")
    for name, value in model.features.state_dict().items():
        assert torch.equal(value, stored[f"features.{name}"]), name
    with pytest.raises(Refused, match="no weights of this network"):
        make("efficientnet-b0", 3, tmp_path / "resnet50.pth")


LABELS = ["hat", "pants", "shirt", "shorts", "t-shirt"]
# Shirts and t-shirts are taken for each other, pants and shorts are; hats for nothing.
COUNTS = np.array(
    [[20, 0, 0, 0, 0], [0, 16, 0, 4, 0], [0, 0, 14, 0, 6], [0, 2, 0, 18, 0], [1, 0, 30, 0, 69]]
)


def test_alike__finds_the_groups_that_are_there():
    groups = alike(COUNTS, LABELS)
    assert [group["classes"] for group in groups] == [["shirt", "t-shirt"], ["pants", "shorts"]]
    assert [group["share"] for group in groups] == pytest.approx([0.3, 0.15])
    assert groups_in_words(groups)[0].startswith("- shirt and t-shirt: ")


def test_alike__nothing_confused():
    assert alike(np.eye(4, dtype=np.int64) * 5, list("abcd")) == []
    assert groups_in_words([])[0].startswith("No classes")


def test_confused_pairs__most_first():
    pairs = [(p["true"], p["predicted"], p["photos"]) for p in confused_pairs(COUNTS, LABELS)]
    assert pairs == [
        ("t-shirt", "shirt", 30),
        ("shirt", "t-shirt", 6),
        ("pants", "shorts", 4),
        ("shorts", "pants", 2),
        ("t-shirt", "hat", 1),
    ]
