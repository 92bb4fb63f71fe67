"""Distillation of small runs, and the run that it writes."""

import argparse
import copy
import json

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import distil, export, train  # noqa: E402
from ml_models.lab.catalog import Refused  # noqa: E402
from ml_models.lab.data import load_photos  # noqa: E402
from ml_models.lab.narrow import take_channels  # noqa: E402
from ml_models.lab.network import ShopNet  # noqa: E402
from ml_models.lab.run import Run  # noqa: E402
from ml_models.lab.teachers import Teachers, same  # noqa: E402
from ml_models.lab.weights import load_backbone  # noqa: E402
from tests.helpers.pictures import picture  # noqa: E402
from tests.lab.recipe import train_args  # noqa: E402
from visualsearch.encoders.onnx import OnnxEncoder  # noqa: E402
from visualsearch.encoders.preprocess import InputSpec  # noqa: E402


@pytest.fixture
def networks(weights):
    """Three networks that share all but their class branches."""
    torch.manual_seed(0)
    first = ShopNet(2, 8, 8, 0.3)
    first.start_from(load_backbone(weights))
    others = [copy.deepcopy(first) for _ in range(2)]
    for network in others:
        torch.nn.init.normal_(network.class_branch.classifier.weight, std=0.1)
    return [network.eval() for network in (first, *others)]


@pytest.fixture
def runs(networks, photos, weights, tmp_path):
    """The networks as training stores them."""
    args = train.parse_args(train_args(photos, weights, tmp_path))
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


def settings(photos, weights, out, **more):
    args = train.parse_args(train_args(photos, weights, out))
    out.mkdir()
    return argparse.Namespace(**vars(args) | {"distil": 10.0, "soft": 0.7} | more)


def begin_run(photos, weights, networks, out, width=1.0, **more):
    """Return a run of a new student, and its training photos."""
    pixels = load_photos(photos, InputSpec(size=64))
    teachers = [copy.deepcopy(network) for network in networks]
    torch.manual_seed(0)
    student = distil.make_student(teachers[0], width, pixels)
    return Run(settings(photos, weights, out, **more), pixels, student, teachers), pixels


@pytest.mark.parametrize("one_trunk", [True, False])
def test_teachers__mean_of_all_probabilities(networks, one_trunk):
    if not one_trunk:
        with torch.no_grad():
            networks[2].trunk.stem.bias.add_(0.1)
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    wanted = sum(torch.softmax(network.classify(x), 1) for network in networks) / 3
    frozen = copy.deepcopy(networks[0]).requires_grad_(False)
    for student in (frozen, ShopNet(2, 8, 8, 0.3, width=0.5)):
        teachers = Teachers(networks, student)
        assert teachers.one_trunk is one_trunk
        seen = teachers.look(x, student.trunk(x))
        assert torch.allclose(teachers.probabilities(seen), wanted, atol=1e-6)
        assert torch.allclose(teachers.features(seen), networks[0](x).features, atol=1e-6)


def test_losses__cross_entropies_with_labels_and_with_the_teachers(
    networks, photos, weights, tmp_path
):
    run, _ = begin_run(photos, weights, networks, tmp_path / "student", smoothing=0.0)
    x, target = torch.rand(2, 3, 64, 64) * 2 - 1, torch.tensor([[0.2, 0.8], [1.0, 0.0]])
    losses = run.losses(x, target)
    said = run.model.classify(x).log_softmax(1)
    wanted = sum(torch.softmax(network.classify(x), 1) for network in networks) / 3
    assert losses.keys() == {"class_loss", "soft_loss"}
    for name, truth in (("class_loss", target), ("soft_loss", wanted)):
        assert losses[name].item() == pytest.approx(-(truth * said).sum(1).mean().item(), rel=1e-4)
    assert (run.shares["class_loss"], run.shares["soft_loss"]) == (pytest.approx(0.3), 0.7)


def test_step__the_class_branch_alone_learns_from_an_ensemble(networks, photos, weights, tmp_path):
    run, held_out = begin_run(photos, weights, networks, tmp_path / "student")
    run.fit(held_out)
    first = networks[0].state_dict()
    for model in (run.model, run.average.module):
        changed = {k for k, v in model.state_dict().items() if not torch.equal(v, first[k])}
        assert changed
        assert all(name.startswith("class_branch.") for name in changed)


def test_run__goes_on_after_an_interruption(networks, photos, weights, tmp_path):
    whole, held_out = begin_run(photos, weights, networks, tmp_path / "whole")
    whole.fit(held_out)
    parts, _ = begin_run(photos, weights, networks, tmp_path / "parts")
    parts.train_epoch()
    parts.epoch = 1
    parts.save()
    (tmp_path / "parts").rename(tmp_path / "cut")
    again, _ = begin_run(photos, weights, networks, tmp_path / "parts")
    (tmp_path / "cut" / "checkpoint.pt").rename(again.checkpoint)
    again.resume()
    again.fit(held_out)
    wanted = whole.average.state_dict()
    for name, value in again.average.state_dict().items():
        assert torch.allclose(value.float(), wanted[name].float(), atol=1e-6), name


def test_distil__an_ensemble_in_one_network(photos, runs, networks, tmp_path, capsys):
    out = tmp_path / "student"
    distil.main(arguments(photos, runs, out, "--width", "1"))
    report = json.loads(capsys.readouterr().out)
    assert report["teachers"] == ["a", "b", "c"]
    assert report["agreement"] == 1
    assert 0 <= report["ensemble_accuracy"] <= 1
    for name in ("multiply_adds", "parameters"):
        assert report["student"][name] == report["teacher"][name]
    model, stored = export.load_run(out)
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
    model, stored = export.load_run(out)
    assert model.config["width"] == stored["config"]["width"] == 0.5
    ours, theirs = model.colour_projection.state_dict(), networks[0].colour_projection.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    package = tmp_path / "package"
    export.main(["--run", str(out), "--validation", str(photos), "--out", str(package)])
    assert OnnxEncoder(package).encode([picture(1)]).embeddings.shape == (1, 16)
    wider = arguments(photos, [out], tmp_path / "wider", "--width", "1")
    with pytest.raises(Refused, match=r"no wider than its teacher: --width 0\.5"):
        distil.main(wider)


def test_losses__a_narrower_student_learns_the_first_teachers_features(
    networks, photos, weights, tmp_path
):
    run, held_out = begin_run(photos, weights, networks[:2], tmp_path / "student", width=0.5)
    x, before = torch.rand(2, 3, 64, 64) * 2 - 1, copy.deepcopy(run.model)
    losses = run.losses(x, torch.eye(2))
    cosine = (networks[0](x).features * run.model(x).features).sum(1)
    assert losses["feature_distance"].item() == pytest.approx(1 - cosine.mean().item(), abs=1e-5)
    run.step(held_out.pixels[:6], held_out.labels[:6], torch.Generator().manual_seed(0))
    for name, part in before.named_children():
        moved = not same(part, getattr(run.model, name))
        assert moved == (name not in ("histogram", "colour_projection")), name


@torch.no_grad()
def test_take_channels__finds_a_narrow_network_inside_a_wide_one():
    """Removing channels that have no effect leaves the outputs unchanged."""
    torch.manual_seed(0)
    inner, wide, student = (ShopNet(2, 8, 8, 0.3, width=width) for width in (0.5, 1.0, 0.5))
    for layer in inner.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    for name, value in wide.state_dict().items():
        part = inner.state_dict()[name]
        value.zero_()[tuple(slice(-size, None) for size in part.shape)] = part
    x = torch.rand(4, 3, 64, 64) * 2 - 1
    take_channels(student, wide, x)
    for wanted, got in zip(inner(x), student(x), strict=True):
        assert wanted.std() > 1e-3
        assert torch.allclose(got, wanted, atol=1e-4)


@torch.no_grad()
def test_take_channels__keeps_the_scale_of_what_is_left(networks):
    torch.manual_seed(0)
    student, x = ShopNet(2, 8, 8, 0.3, width=0.5), torch.rand(8, 3, 64, 64) * 2 - 1
    take_channels(student, networks[1], x)
    ours, theirs = student.classify(x), networks[1].classify(x)
    assert torch.allclose(ours.mean(0), theirs.mean(0), atol=1e-3)
    assert torch.allclose(ours.std(0), theirs.std(0), rtol=1e-2)


def test_take_channels__of_a_pruned_teacher():
    """Weights for which the pruned teacher has no channels are left unchanged."""
    torch.manual_seed(0)
    hidden = [16] * len(ShopNet(2, 8, 8, 0.3).expanding())
    teacher, student = ShopNet(2, 8, 8, 0.3, hidden=hidden), ShopNet(2, 8, 8, 0.3, width=0.5)
    take_channels(student, teacher, torch.rand(2, 3, 64, 64))
    assert student(torch.rand(2, 3, 64, 64)).features.isfinite().all()


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
