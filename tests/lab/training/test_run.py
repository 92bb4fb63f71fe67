import argparse
import copy

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import distil  # noqa: E402
from ml_models.lab.photos.photo_sets import load_photos  # noqa: E402
from ml_models.lab.training import train_options  # noqa: E402
from ml_models.lab.training.run import Run  # noqa: E402
from ml_models.lab.training.teachers import same  # noqa: E402
from tests.lab.helpers.training_arguments import train_args  # noqa: E402
from visualsearch.encoders.preprocess import InputSpec  # noqa: E402


def settings(photos, weights, out, **more):
    args = train_options.parse_args(train_args(photos, weights, out))
    out.mkdir()
    return argparse.Namespace(**vars(args) | {"distil": 10.0, "soft": 0.7} | more)


def begin_run(photos, weights, networks, out, width=1.0, **more):
    """Return a run of a new student, and its training photos."""
    pixels = load_photos(photos, InputSpec(size=64))
    teachers = [copy.deepcopy(network) for network in networks]
    torch.manual_seed(0)
    student = distil.make_student(teachers[0], width, pixels)
    return Run(settings(photos, weights, out, **more), pixels, student, teachers), pixels


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
