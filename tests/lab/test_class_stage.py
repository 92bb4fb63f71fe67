"""The second stage: pretrained weights mixed in, and a class branch that alone learns."""

from functools import partial

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import class_stage  # noqa: E402
from ml_models.lab.class_stage import ClassStage, mix_in  # noqa: E402
from ml_models.lab.garments import sampling_weights  # noqa: E402
from ml_models.lab.network import ShopNet  # noqa: E402
from ml_models.lab.recipe import Recipe  # noqa: E402
from ml_models.lab.steps import Steps  # noqa: E402
from ml_models.lab.weights import load_backbone  # noqa: E402
from tests.lab.drawn_garments import some_garments  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

RECIPE = Recipe(side=64, class_batch=6, class_steps=3)


@pytest.fixture
def model(weights):
    torch.manual_seed(0)
    made = ShopNet(15, 8, 8, 0.3)
    made.start_from(load_backbone(weights))
    return made


def stage(model):
    garments = some_garments()
    sharp = sampling_weights(garments, 3, 0.35)
    # Drawn as often as nothing else, if it could be drawn at all.
    sharp[garments.judged] = 1e6
    return ClassStage(model, garments, sharp, RECIPE, device="cpu", bf16=False)


def test_mix_in__a_share_of_the_pretrained_weights(model, weights):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        for value in model.parameters():
            value.add_(1)
    mix_in(model, load_backbone(weights), 0.2)
    after = model.state_dict()
    for name, value in before.items():
        mixed = name.startswith("trunk") or "tail" in name
        assert torch.allclose(after[name], value + (0.8 if mixed else 1), atol=1e-5), name


def test_fit__the_class_branch_alone_learns(model, tmp_path):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = stage(model).fit(tmp_path / "checkpoint.pt")
    assert found["class"] > 0
    changed = {
        name for name, value in model.state_dict().items() if not torch.equal(value, before[name])
    }
    assert changed == {name for name in before if name.startswith("class_branch")}


def test_fit__resumed_is_the_same_to_the_bit(model, tmp_path, monkeypatch):
    start = {name: value.clone() for name, value in model.state_dict().items()}
    stage(model).fit(tmp_path / "whole.pt")
    whole = {name: value.clone() for name, value in model.state_dict().items()}

    monkeypatch.setattr(class_stage, "Steps", partial(Steps, every=1))
    model.load_state_dict(start)
    broken = stage(model)
    losses = broken.losses
    broken.losses = lambda step: losses(step) if step < 2 else pytest.fail("interrupted")
    with pytest.raises(pytest.fail.Exception):
        broken.fit(tmp_path / "parts.pt")
    assert torch.load(tmp_path / "parts.pt")["step"] == 2

    model.load_state_dict(start)
    stage(model).fit(tmp_path / "parts.pt")
    assert all(torch.equal(value, whole[name]) for name, value in model.state_dict().items())


def test_losses__nothing_that_is_held_out_or_unlabelled(model, monkeypatch):
    seen, views = [], class_stage.garment_views

    def record(garments, rows, *args, **options):
        seen.extend(rows.tolist())
        return views(garments, rows, *args, **options)

    monkeypatch.setattr(class_stage, "garment_views", record)
    made = stage(model)
    for step in range(4):
        made.losses(step)
    assert len(seen) == 24
    assert not {*seen} & {0, *made.garments.judged.tolist()}
