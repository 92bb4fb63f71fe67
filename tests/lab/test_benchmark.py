"""The benchmark of architectures, on a data set of two colours that any of them can learn."""

import json

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import benchmark  # noqa: E402
from ml_models.lab.benchmarking.benchmark_photos import class_of, load  # noqa: E402
from ml_models.lab.benchmarking.mlflow_tracking import connect  # noqa: E402
from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.photos.label_sets import LEAVES  # noqa: E402
from ml_models.lab.photos.sources import Sources, read_boxed  # noqa: E402
from tests.lab.helpers.drawn_sources import draw_sources  # noqa: E402
from visualsearch.encoders.onnx import OnnxEncoder  # noqa: E402


def arguments(photos, weights, out, *more):
    return [
        "--data", str(photos), "--validation", str(photos), "--out", str(out),
        "--architectures", "mobilenetv2", "--weights", f"mobilenetv2={weights}",
        "--epochs", "2", "--pretrained-epochs", "2", "--side", "32", "--batch", "2", "--lr", "1e-3",
        "--pretrained-lr", "1e-3", "--json", *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def small_photos(tmp_path_factory):
    """Photos of two colours with a little noise, one folder per class."""
    folder, rng = tmp_path_factory.mktemp("colours"), np.random.default_rng(0)
    for colour, rgb in {"red": (210, 40, 40), "blue": (40, 40, 210)}.items():
        (folder / colour).mkdir()
        for n in range(8):
            pixels = np.clip(np.array(rgb) + rng.normal(0, 12, (48, 48, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / colour / f"{n}.png")
    return folder


def loaded(args):
    return benchmark.photos_of(args)


@pytest.fixture(scope="module")
def finished(small_photos, weights, tmp_path_factory):
    """The folder of a finished comparison, from scratch and from weights; read only."""
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
        # A process with a model uses more memory than the model.
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
            # More than one colour means that something was drawn.
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
    photos = loaded(args)
    path = finished / "mobilenetv2" / "result.json"
    same = benchmark.settings(args, None, photos)
    assert benchmark.finished(path, same)
    for name, value in (("epochs", 3), ("lr", 1e-4), ("bf16", True)):
        other = benchmark.parse_args(arguments(small_photos, weights, finished))
        setattr(other, name, value)
        assert not benchmark.finished(path, benchmark.settings(other, None, photos))
    assert not benchmark.finished(path, benchmark.settings(args, weights, photos))


def test_benchmark__measures_later_what_was_only_trained(small_photos, weights, tmp_path, capsys):
    given = [*arguments(small_photos, weights, tmp_path), "--starts", "pretrained"]
    benchmark.main([*given, "--train-only"])
    folder = tmp_path / "mobilenetv2-pretrained"
    assert {path.name for path in folder.iterdir()} == {"trained.json", "weights.pt"}
    assert not (tmp_path / "benchmark.json").exists()
    before = (folder / "weights.pt").stat().st_mtime_ns
    capsys.readouterr()
    benchmark.main(given)
    (row,) = json.loads(capsys.readouterr().out)["architectures"]
    assert (folder / "weights.pt").stat().st_mtime_ns == before
    assert (
        row["accuracy"] == json.loads((folder / "trained.json").read_text())["log"][-1]["accuracy"]
    )


def test_load__holds_out_a_fifth_of_each_class(small_photos, weights, tmp_path):
    args = benchmark.parse_args(arguments(small_photos, weights, tmp_path))
    args.validation = None
    photos = loaded(args)
    assert len(photos.train.labels) + len(photos.floors.labels) == 16
    assert not set(photos.train.groups) & set(photos.floors.groups)
    assert set(photos.floors.labels.tolist()) == {0, 1}
    assert photos.people is None


def test_load__refuses_other_classes_in_validation(small_photos, weights, photos, tmp_path):
    (photos / "red").rename(photos / "green")
    args = benchmark.parse_args(arguments(small_photos, weights, tmp_path))
    args.validation = photos
    with pytest.raises(Refused, match="different classes"):
        loaded(args)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw_sources(tmp_path_factory.mktemp("drawn"))


def test_load__more_photos_and_garments_on_people(drawn):
    sources = Sources(data=drawn.data, more=drawn.more, boxes=drawn.boxes)
    photos = load(sources, drawn.data, 32, 0)
    boxes = read_boxed(drawn.boxes, 3)
    learned = [class_of(box, LEAVES) for box in boxes if not box.held_out]
    # “Top” allows t-shirt and undershirt, which is a t-shirt too; “Not sure” is left out.
    assert photos.train.classes == list(LEAVES)
    extra = photos.train.labels[2 * len(LEAVES) :].tolist()
    assert [LEAVES[k] for k in extra[:2]] == ["t-shirt", "longsleeve"]
    assert extra[2:] == [label for label in learned if label is not None]
    assert len(photos.train.pixels) == len(photos.train.labels)
    judged = [box for box in boxes if box.held_out and box.area >= 0.01]
    assert len(photos.people.labels) == len(judged) > 0
    assert photos.people.pixels.shape[1:] == (3, 32, 32)


def test_benchmark__people_are_a_column_and_a_picture(drawn, weights, tmp_path):
    given = arguments(drawn.data, weights, tmp_path)
    benchmark.main([*given, "--boxes", str(drawn.boxes), "--starts", "scratch"])
    row = results(tmp_path)["mobilenetv2"]
    counts = np.array(row["people"]["confusion"]["counts"])
    assert counts.sum() == row["people"]["photos"] > 0
    assert row["people"]["accuracy"] == pytest.approx(counts.trace() / counts.sum(), abs=1e-4)
    assert "| on people |" in (tmp_path / "benchmark.md").read_text()
    assert (tmp_path / "mobilenetv2/confusion-people.png").exists()


@pytest.mark.parametrize(
    "wrong",
    [["--architectures", "vgg"], ["--epochs", "0"], ["--hold-out", "0"], ["--starts", "middle"]],
)
def test_benchmark__refuses_arguments(small_photos, weights, tmp_path, wrong):
    with pytest.raises(SystemExit):
        benchmark.parse_args(arguments(small_photos, weights, tmp_path, *wrong))
