"""Pruning channels of a small trained run."""

import json

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import export, prune, train  # noqa: E402
from ml_models.lab.benchmarking.footprint import multiply_adds  # noqa: E402
from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.networks.shopnet import ShopNet  # noqa: E402
from ml_models.lab.photos.photo_sets import load_photos  # noqa: E402
from ml_models.lab.training import stored_runs, train_options  # noqa: E402
from ml_models.lab.training.run import Run  # noqa: E402
from tests.helpers.pictures import picture  # noqa: E402
from tests.lab.helpers.training_arguments import train_args  # noqa: E402
from visualsearch.encoders.onnx import OnnxEncoder  # noqa: E402
from visualsearch.encoders.preprocess import InputSpec  # noqa: E402


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ShopNet(3, 8, 8, 0.3).eval()


@pytest.fixture
def trained(photos, weights, tmp_path):
    """A run that was trained for one epoch."""
    out = tmp_path / "run"
    train.main(train_args(photos, weights, out, "--validation", photos, "--epochs", "1"))
    return out


def arguments(photos, run, out, *more):
    return [
        "--run", str(run), "--data", str(photos), "--validation", str(photos),
        "--out", str(out), "--epochs", "1", "--json", *more,
    ]  # fmt: skip


def test_prune__half_of_the_hidden_channels(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    pruned = prune.prune(model, 0.5)
    for old, new in zip(prune.hidden(model), prune.hidden(pruned), strict=True):
        assert new == pytest.approx(old / 2, abs=prune.ROUND_TO)
        assert new % prune.ROUND_TO == 0
    assert multiply_adds(pruned, 64) < 0.65 * multiply_adds(model, 64)
    x = torch.randn(2, 3, 64, 64)
    for old, new in zip(model(x), pruned(x), strict=True):
        assert old.shape == new.shape
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_prune__a_network_is_built_again_by_its_widths(model):
    pruned = prune.prune(model, 0.3)
    again = ShopNet(3, 8, 8, 0.3, hidden=prune.hidden(pruned)).eval()
    again.load_state_dict(pruned.state_dict())
    x = torch.randn(1, 3, 64, 64)
    for wanted, got in zip(pruned(x), again(x), strict=True):
        assert torch.allclose(wanted, got)


def test_prune__borders_stay_as_the_initial_weights_expect():
    model = ShopNet(3, 8, 8, 0.3, convention="torchvision").eval()
    pruned = prune.prune(model, 0.3)
    again = ShopNet(3, 8, 8, 0.3, convention="torchvision", hidden=prune.hidden(pruned)).eval()
    again.load_state_dict(pruned.state_dict())
    x = torch.randn(1, 3, 64, 64)
    for wanted, got in zip(pruned(x), again(x), strict=True):
        assert torch.allclose(wanted, got)


def test_prune__takes_out_what_does_nothing(model):
    """Channels with zero weights are pruned first, which leaves the outputs unchanged."""
    with torch.no_grad():
        for block in model.expanding():
            for k in range(0, block.depthwise.out_channels, 2):
                block.expand.weight[k] = block.expand.bias[k] = 0
                block.depthwise.weight[k] = block.depthwise.bias[k] = 0
                block.project.weight[:, k] = 0
    pruned, x = prune.prune(model, 0.4), torch.randn(2, 3, 64, 64)
    assert sum(prune.hidden(pruned)) < 0.7 * sum(prune.hidden(model))
    for wanted, got in zip(model(x), pruned(x), strict=True):
        assert torch.allclose(wanted, got, atol=1e-5)


def test_prune__run_loads_exports_and_is_smaller(photos, trained, tmp_path, capsys):
    out = tmp_path / "pruned"
    capsys.readouterr()
    prune.main(arguments(photos, trained, out, "--ratio", "0.5"))
    report = json.loads(capsys.readouterr().out)
    before, after = report["before"], report["fine-tuned"]
    for name in ("multiply_adds", "parameters", "size_mb"):
        assert after[name] < 0.75 * before[name], name
    assert after["multiply_adds"] == report["pruned"]["multiply_adds"]
    model, stored = stored_runs.load_run(out)
    assert prune.hidden(model) == stored["config"]["hidden"] == report["hidden"]
    export.main(
        ["--run", str(out), "--validation", str(photos), "--out", str(tmp_path / "package")]
    )
    encoding = OnnxEncoder(tmp_path / "package").encode([picture(1)])
    assert encoding.embeddings.shape == (1, 8 + 8 + 2)
    assert encoding.probabilities.shape == (1, 2)
    # A second call has nothing left to do; another ratio is refused.
    weights = torch.load(out / "model.pt")["weights"]
    prune.main(arguments(photos, trained, out, "--ratio", "0.5"))
    for name, value in torch.load(out / "model.pt")["weights"].items():
        assert torch.equal(value, weights[name]), name
    assert stored_runs.load_run(out)[1]["config"]["hidden"] == report["hidden"]
    with pytest.raises(Refused, match=r"begun with ratio 0\.5"):
        prune.main(arguments(photos, trained, out, "--ratio", "0.3"))


def test_prune__fine_tuning_is_held_to_the_network_as_it_was(photos, weights, tmp_path):
    """Fine-tuning pulls trunk and search tail towards the unpruned network's search features."""
    torch.manual_seed(0)
    original = ShopNet(2, 8, 8, 0.3).eval()
    before = {name: value.clone() for name, value in original.state_dict().items()}
    args = train_options.parse_args(train_args(photos, weights, tmp_path, "--mixup", "0"))
    args.distil = 10.0
    model = prune.prune(original, 0.3).requires_grad_(True)
    pixels = load_photos(photos, InputSpec(size=64))
    run = Run(args, pixels, model, teachers=[original])
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    losses = run.losses(x, torch.eye(2))
    cosine = (original(x).features * model(x).features).sum(1)
    assert losses["feature_distance"].item() == pytest.approx(1 - cosine.mean().item(), abs=1e-5)
    assert losses.keys() == {"class_loss", "feature_distance"}
    stem = model.trunk.stem.weight.clone()
    run.step(pixels.pixels[:6], pixels.labels[:6], torch.Generator().manual_seed(0))
    assert not torch.equal(model.trunk.stem.weight, stem)
    for name, value in original.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("ratio", ["0", "-0.2", "0.95", "1", "nan", "30"])
def test_prune__refuses_silly_ratios(ratio, photos, tmp_path):
    with pytest.raises(SystemExit):
        prune.parse_args(arguments(photos, tmp_path, tmp_path, "--ratio", ratio))


def test_prune__refuses_other_classes(model, photos, tmp_path):
    stored = {
        "weights": model.state_dict(),
        "config": {"semantic_dim": 8, "colour_dim": 8, "colour_share": 0.3},
        "classes": ["hat", "shirt", "skirt"],
        "recipe": {},
    }
    torch.save(stored, tmp_path / "model.pt")
    with pytest.raises(Refused, match="hat, shirt, skirt"):
        prune.main(arguments(photos, tmp_path, tmp_path / "pruned"))
    assert not (tmp_path / "pruned").exists()
