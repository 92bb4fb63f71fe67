"""Distillation of small runs, and the run that it writes."""

import json

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import distil, export  # noqa: E402
from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.training import stored_runs, train_options  # noqa: E402
from tests.helpers.pictures import picture  # noqa: E402
from tests.lab.helpers.training_arguments import train_args  # noqa: E402
from visualsearch.encoders.onnx import OnnxEncoder  # noqa: E402


@pytest.fixture
def runs(networks, photos, weights, tmp_path):
    """The networks as training stores them."""
    args = train_options.parse_args(train_args(photos, weights, tmp_path))
    for name, network in zip("abc", networks, strict=True):
        stored = {
            "weights": network.state_dict(),
            "config": network.config,
            "classes": ["blue", "red"],
            "recipe": {name: value for name, value in vars(args).items() if name == "ema"}
            | {"batch": args.batch, "side": args.side, "weights": "weights.npz"},
        }
        (tmp_path / name).mkdir()
        torch.save(stored, tmp_path / name / "model.pt")
    return [tmp_path / name for name in "abc"]


def arguments(photos, runs, out, *more):
    return [
        *(word for run in runs for word in ("--run", str(run))),
        "--data", str(photos), "--validation", str(photos), "--out", str(out),
        "--epochs", "1", "--lr", "1e-3", "--json", *more,
    ]  # fmt: skip


def test_distil__an_ensemble_in_one_network(photos, runs, networks, tmp_path, capsys):
    out = tmp_path / "student"
    distil.main(arguments(photos, runs, out, "--width", "1"))
    report = json.loads(capsys.readouterr().out)
    assert report["teachers"] == ["a", "b", "c"]
    assert report["agreement"] == 1
    assert 0 <= report["ensemble_accuracy"] <= 1
    for name in ("multiply_adds", "parameters"):
        assert report["student"][name] == report["teacher"][name]
    model, stored = stored_runs.load_run(out)
    assert stored["recipe"]["teachers"] == ["a", "b", "c"]
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    assert torch.equal(model(x).features, networks[0](x).features)
    assert not torch.equal(model(x).logits, networks[0](x).logits)
    with pytest.raises(Refused, match="teachers"):
        distil.main(arguments(photos, runs[:2], out, "--width", "1"))


def test_distil__half_as_wide(photos, runs, networks, tmp_path, capsys):
    out = tmp_path / "student"
    distil.main(arguments(photos, runs[:1], out, "--width", "0.5"))
    report = json.loads(capsys.readouterr().out)
    for name in ("multiply_adds", "parameters", "size_mb"):
        assert report["student"][name] < 0.5 * report["teacher"][name], name
    assert "ensemble_accuracy" not in report
    model, stored = stored_runs.load_run(out)
    assert model.config["width"] == stored["config"]["width"] == 0.5
    ours, theirs = model.colour_projection.state_dict(), networks[0].colour_projection.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    package = tmp_path / "package"
    export.main(["--run", str(out), "--validation", str(photos), "--out", str(package)])
    assert OnnxEncoder(package).encode([picture(1)]).embeddings.shape == (1, 16)
    wider = arguments(photos, [out], tmp_path / "wider", "--width", "1")
    with pytest.raises(Refused, match=r"no wider than its teacher: --width 0\.5"):
        distil.main(wider)


def test_distil__refuses_teachers_of_other_classes(photos, runs, tmp_path):
    stored = torch.load(runs[1] / "model.pt")
    torch.save(stored | {"classes": ["hat", "skirt"]}, runs[1] / "model.pt")
    with pytest.raises(Refused, match="different classes"):
        distil.main(arguments(photos, runs, tmp_path / "student"))
    assert not (tmp_path / "student").exists()


@pytest.mark.parametrize(
    "wrong", [("--width", "0"), ("--width", "2"), ("--soft", "1.5"), ("--epochs", "0")]
)
def test_distil__refuses_silly_settings(wrong, photos, tmp_path):
    with pytest.raises(SystemExit):
        distil.parse_args(arguments(photos, [tmp_path], tmp_path, *wrong))
