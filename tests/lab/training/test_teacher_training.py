"""The teacher and its training; skipped where its packages are missing."""

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.networks import lite_teacher  # noqa: E402
from ml_models.lab.photos.class_masks import mask  # noqa: E402
from ml_models.lab.photos.garments import sampling_weights  # noqa: E402
from ml_models.lab.training.recipe import Recipe  # noqa: E402
from ml_models.lab.training.set_losses import set_loss  # noqa: E402
from ml_models.lab.training.teacher_training import TeacherTraining, blend, solve  # noqa: E402
from tests.lab.helpers.garment_tensors import some_garments  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

RECIPE = Recipe(side=64, teacher_side=72, teacher_passes=2, teacher_batch=4, teacher_steps=2)


@pytest.fixture
def package():
    return pytest.importorskip("efficientnet_lite_pytorch", reason="the teacher is not installed")


@pytest.fixture
def training(package):
    torch.manual_seed(0)
    garments = some_garments()
    teacher = lite_teacher.LiteTeacher(RECIPE.teacher_side)
    weights = sampling_weights(garments, 2.5, 0.6)
    return TeacherTraining(teacher, garments, weights, RECIPE, device="cpu", bf16=False)


def test_solve__is_the_best_linear_head():
    """The gradient is zero, and separable classes are separated."""
    chance = torch.Generator().manual_seed(0)
    names = ["hat", "bag", "dress"]
    features = torch.eye(3).repeat(20, 1) + 0.2 * torch.randn(60, 3, generator=chance)
    allowed = torch.stack([mask([name]) for name in names]).repeat(20, 1)
    weight, bias = solve(features, allowed, torch.ones(60))
    logits = features @ weight.T + bias
    assert (allowed[torch.arange(60), logits.argmax(1)] == 1).float().mean() > 0.95
    weight, bias = (each.requires_grad_() for each in (weight, bias))
    loss = set_loss(features @ weight.T + bias, allowed, 0.02).mean()
    (loss + 3e-4 * weight.square().sum()).backward()
    assert weight.grad.abs().max() < 1e-3
    assert bias.grad.abs().max() < 1e-3


def test_blend():
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    wanted = 0.6 * one.weight.detach() + 0.4 * other.weight.detach()
    blend(one, other.state_dict(), 0.6)
    assert torch.allclose(one.weight, wanted)


def test_fit_head__of_labelled_garments_that_are_not_held_out(training):
    features, rows = training.look()
    assert features.shape == (2 * 30, 1280)
    assert rows.tolist() == 2 * training.garments.labelled.tolist()
    assert not {*rows.tolist()} & {0, *training.garments.judged.tolist()}
    body = training.teacher.net.state_dict()
    before = {name: value.clone() for name, value in body.items()}
    training.fit_head()
    assert training.teacher.head.weight.abs().sum() > 0
    assert all(torch.equal(value, before[name]) for name, value in body.items())


def test_fine_tune__ends_between_the_head_and_what_it_became(training, tmp_path):
    start = {name: value.clone() for name, value in training.teacher.state_dict().items()}
    training.fine_tune(tmp_path / "checkpoint.pt")
    tuned = torch.load(tmp_path / "checkpoint.pt")["average"]
    for name, value in training.teacher.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(value, torch.lerp(start[name], tuned[name], 0.6), atol=1e-6)
    assert not torch.equal(tuned["net._conv_stem.weight"], start["net._conv_stem.weight"])
    assert torch.equal(tuned["net._bn0.running_mean"], start["net._bn0.running_mean"])
