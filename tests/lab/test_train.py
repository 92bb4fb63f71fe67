"""The train command: splits, class weights, early stopping, outputs and resuming."""

import csv
import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import export, train  # noqa: E402
from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.photos import listings  # noqa: E402
from ml_models.lab.photos.photo_sets import load_photos  # noqa: E402
from ml_models.lab.photos.pixels import SERVED_SIDE  # noqa: E402
from ml_models.lab.training import initial_network, stored_runs, train_options  # noqa: E402
from ml_models.lab.training.best_epoch import best_epoch, read_log  # noqa: E402
from ml_models.lab.training.run import Run  # noqa: E402
from tests.lab.helpers.training_arguments import train_args  # noqa: E402


@pytest.fixture
def catalog(photos):
    """A catalog of three products per class with two photos each."""
    path = photos / "catalog.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("sku", "name", "category", "price", "image", "images"))
        for category in ("red", "blue"):
            for n in range(0, 6, 2):
                pictures = [f"{category}/{k}.jpg" for k in (n, n + 1)]
                writer.writerow((f"{category}-{n}", "", category, 1, *pictures))
    return path


def same_weights(a, b):
    a, b = (torch.load(path)["weights"] for path in (a, b))
    return a.keys() == b.keys() and all(torch.allclose(a[k], b[k], atol=1e-4) for k in a)


class Killed(Run):
    """A run that ends in the second epoch, while it trains or before it is saved."""

    moment = "train_epoch"

    def train_epoch(self):
        if self.epoch == 1 and self.moment == "train_epoch":
            raise KeyboardInterrupt
        return super().train_epoch()

    def save(self):
        if self.epoch == 2 and self.moment == "save":
            raise KeyboardInterrupt
        super().save()


# The validation labels are swapped, so training lowers validation accuracy and patience ends the
# run. A resumed run must remember the best accuracy of the first part.
STOPPING = ("--epochs", "6", "--patience", "2", "--lr", "0.01", "--side", "64")


@pytest.fixture
def exchanged(photos, tmp_path):
    """The photos with exchanged labels: red as blue and blue as red."""
    for here, there in (("red", "blue"), ("blue", "red")):
        shutil.copytree(photos / here, tmp_path / "exchanged" / there)
    return tmp_path / "exchanged"


def test_train__goes_on_exactly_after_an_interruption(photos, exchanged, weights, tmp_path):
    whole = tmp_path / "whole"
    train.main(train_args(photos, weights, whole, "--validation", exchanged, *STOPPING))
    rows = read_log(whole)
    assert len(rows) == best_epoch(rows) + 2 < 6
    for moment in ("train_epoch", "save"):
        parts = tmp_path / moment
        train_in_parts(photos, exchanged, weights, parts, moment)
        assert read_log(parts) != rows
        assert [dict(row, seconds=0) for row in read_log(parts)] == [
            {name: pytest.approx(value, abs=1e-3) for name, value in dict(row, seconds=0).items()}
            for row in rows
        ]
        for name in ("best.pt", "model.pt"):
            assert same_weights(whole / name, parts / name)


def train_in_parts(photos, exchanged, weights, parts, moment):
    """Train until the simulated end of the process, then resume."""
    arguments = train_args(photos, weights, parts, "--validation", exchanged, *STOPPING)
    args = train_options.parse_args(arguments)
    args.out.mkdir()
    torch.manual_seed(args.seed)
    pixels = load_photos(photos, train.InputSpec(size=train_options.STORED_SIDE))
    run = Killed(args, pixels, initial_network.build_network(args, pixels))
    run.moment = moment
    with pytest.raises(KeyboardInterrupt):
        run.fit(load_photos(exchanged, train.InputSpec(size=SERVED_SIDE)))
    train.main(arguments)


def test_train__ships_the_last_epoch_or_the_best(photos, exchanged, weights, tmp_path):
    out = tmp_path / "run"
    arguments = train_args(photos, weights, out, "--validation", exchanged, *STOPPING)
    train.main([*arguments, "--ship", "last"])
    rows = read_log(out)
    model, best = (torch.load(out / name) for name in ("model.pt", "best.pt"))
    assert model["epoch"] == len(rows)
    assert best["epoch"] == best_epoch(rows) < len(rows)
    assert best["validation"] == rows[best["epoch"] - 1]
    assert not same_weights(out / "model.pt", out / "best.pt")
    # The run stays stopped; the shipped epoch is chosen again.
    train.main(arguments)
    assert len(read_log(out)) == len(rows)
    assert same_weights(out / "model.pt", out / "best.pt")
    train.main([*arguments, "--patience", "0", "--epochs", str(len(rows))])
    assert torch.load(out / "model.pt")["epoch"] == len(rows)


def test_train__catalog_held_out_by_product_to_export(catalog, weights, tmp_path):
    out = tmp_path / "run"
    arguments = train_args(catalog, weights, out, "--holdout", "0.34", "--class-weights", "sqrt")
    train.main(arguments)
    held_out = listings.list_photos(out / "validation.csv")
    assert len(held_out.paths) == 4
    assert len(set(held_out.groups)) == 2
    assert (out / "curves.png").exists()
    assert {"learning_rate", "class_loss", "accuracy"} <= read_log(out)[0].keys()
    export.main(
        ["--run", str(out), "--validation", str(out / "validation.csv"), "--out", str(tmp_path)]
    )
    scores = json.loads((tmp_path / "model.json").read_text())["scores"]
    assert scores["photos"] == 4
    assert scores["validation_accuracy"] == pytest.approx(read_log(out)[-1]["accuracy"])
    with pytest.raises(Refused, match="another split"):
        train.main([*arguments, "--seed", "1"])


def test_train__folds(catalog, weights, tmp_path, capsys):
    out = tmp_path / "run"
    train.main(train_args(catalog, weights, out, "--folds", "3", "--epochs", "1"))
    report = json.loads((out / "folds.json").read_text())
    accuracies = [read_log(out / f"fold-{k}")[-1]["accuracy"] for k in (1, 2, 3)]
    assert [row["accuracy"] for row in report["folds"]] == accuracies
    assert report["mean"] == pytest.approx(np.mean(accuracies))
    assert report["std"] == pytest.approx(np.std(accuracies, ddof=1))
    assert f"accuracy {report['mean']:.4f} ±" in capsys.readouterr().out
    seen = [listings.list_photos(out / f"fold-{k}" / "validation.csv").groups for k in (1, 2, 3)]
    assert sorted(group for groups in seen for group in groups) == sorted(
        listings.list_photos(catalog).groups
    )


def test_train__torchvision_weights_reach_the_exported_model(photos, torchvision_weights, tmp_path):
    """Export restores the pixel and border convention from the run's config."""
    out = tmp_path / "run"
    train.main(
        train_args(photos, torchvision_weights, out, "--validation", photos, "--epochs", "1")
    )
    model, stored = stored_runs.load_run(out)
    assert stored["config"]["convention"] == model.trunk.convention == "torchvision"
    pixels = load_photos(photos, train.InputSpec(size=SERVED_SIDE))
    with torch.no_grad():
        logits = model.classify(pixels.pixels / 127.5 - 1)
    right = (logits.argmax(1) == pixels.labels).float().mean().item()
    assert right == pytest.approx(stored["validation"]["accuracy"])


def test_train__refusals(photos, catalog, weights, tmp_path):
    def refused(match, *further, data=photos):
        with pytest.raises(Refused, match=match):
            train.main(train_args(data, weights, tmp_path / "run", *further))

    refused("too few products .*10 parts")
    refused(r"4 parts: blue \(3\), red \(3\)", "--folds", "4", data=catalog)
    refused("6 products are in", "--validation", catalog, data=catalog)
    refused("smaller --batch", "--validation", photos, "--batch", "64")
    other = shutil.copytree(photos, tmp_path / "other")
    (other / "red").rename(other / "green")
    refused("blue, green, red", "--validation", other)
    shutil.rmtree(other / "green")
    refused("one class only", data=other)


@pytest.mark.parametrize(
    "further",
    [
        ("--folds", "1"), ("--holdout", "0"), ("--holdout", "0.6"), ("--patience", "-1"),
        ("--epochs", "0"), ("--folds", "2", "--validation", "x"),
    ],
)  # fmt: skip
def test_parse_args__refusals(further):
    with pytest.raises(SystemExit):
        train_options.parse_args(train_args("data", "weights.npz", "out", *further))
