"""The training steps of a whole network, with real networks and random weights."""

from dataclasses import replace

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.networks.initial_weights import load_backbone  # noqa: E402
from ml_models.lab.networks.shopnet import ShopNet  # noqa: E402
from ml_models.lab.photos.class_masks import mask  # noqa: E402
from ml_models.lab.photos.garments import sampling_weights  # noqa: E402
from ml_models.lab.photos.random_numbers import Chance  # noqa: E402
from ml_models.lab.training import joint_losses  # noqa: E402
from ml_models.lab.training.joint_losses import (  # noqa: E402
    WholeNetwork,
    WholeObjective,
    info_nce,
    targets_of,
)
from ml_models.lab.training.recipe import Recipe  # noqa: E402
from ml_models.lab.training.steps import Steps  # noqa: E402
from tests.lab.helpers.garment_tensors import TinyTeacher, some_garments, some_tagged  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

RECIPE = Recipe(side=64, batch=4, tags=2, pairs=3, steps=4, semantic_dim=8, colour_dim=8)


def objective(weights, garments=None, tagged=True):
    torch.manual_seed(0)
    garments = garments or some_garments()
    backbone = load_backbone(weights).requires_grad_(False)
    model = ShopNet(15, 8, 8, 0.3, class_share=0.1)
    model.start_from(backbone)
    teacher = TinyTeacher()
    return WholeObjective(
        WholeNetwork(model, teacher.features),
        backbone,
        teacher,
        garments,
        some_tagged() if tagged else None,
        sampling_weights(garments, 2.5, 0.6),
        RECIPE,
        device="cpu",
        bf16=False,
    )


def fit(made, path, stop=None):
    network = made.network
    steps = Steps(
        module=network, groups=network.groups, weight_decay=0.02, longest=0.998,
        steps=RECIPE.steps, checkpoint=path, every=2,
    )  # fmt: skip

    def losses(step):
        if step == stop:
            raise KeyboardInterrupt
        return made.losses(step)

    steps.fit(losses, "test")
    return network.state_dict()


def test_losses__resumed_run_is_the_same_to_the_bit(weights, tmp_path):
    whole = fit(objective(weights), tmp_path / "whole.pt")
    with pytest.raises(KeyboardInterrupt):
        fit(objective(weights), tmp_path / "parts.pt", stop=3)
    resumed = fit(objective(weights), tmp_path / "parts.pt")
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    start = objective(weights).network.state_dict()
    changed = {name for name, value in whole.items() if not torch.equal(value, start[name])}
    trained = {name for name in start if "projection" not in name and "histogram" not in name}
    assert changed == trained


def plain_step(made):
    """Return the first even step without mixup, which has all losses."""
    return next(step for step in range(0, 40, 2) if "keep" in made.losses(step))


def test_losses__search_starts_where_it_is_held(weights):
    made = objective(weights)
    losses = made.losses(plain_step(made))
    assert set(losses) == {"class", "features", "keep", "learn", "pairs"}
    assert losses["keep"].item() == pytest.approx(0, abs=1e-5)
    assert all(losses[name].item() > 0.01 for name in ("class", "features", "learn", "pairs"))
    with torch.no_grad():
        for each in made.network.model.search_tail.parameters():
            each.mul_(1.1)
    assert made.losses(plain_step(made))["keep"].item() > 1e-4


def test_losses__without_pairs_and_tags(weights):
    garments = some_garments()
    made = objective(weights, replace(garments, pairs=garments.pairs[:0]), tagged=False)
    assert "pairs" not in made.losses(plain_step(made))


def test_losses__half_of_the_batches_are_mixed_without_search(weights):
    made = objective(weights)
    mixed = ["keep" not in made.losses(step) for step in range(12)]
    assert 2 <= sum(mixed) <= 10


def test_batch__nothing_that_is_held_out(weights):
    """Held-out photos are never drawn, even with by far the largest weight."""
    garments = some_garments()
    made = objective(weights, garments)
    made.weights[garments.judged] = 1e6
    seen, views = [], joint_losses.garment_views

    def record(given, rows, *args, **options):
        seen.extend(rows.tolist())
        return views(given, rows, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(joint_losses, "garment_views", record)
        for step in range(3):
            made.losses(step)
        made.fit_frame()
    assert len(seen) >= 12
    assert not {*seen} & {*garments.judged.tolist()}
    x, allowed, tagged = made.batch(Chance("cpu", 3))
    assert x.shape == (6, 3, 64, 64)
    assert allowed.shape == (6, 15)
    assert tagged.tolist() == [False] * 4 + [True] * 2


def test_targets_of__tags_count_what_the_teacher_sees_of_them():
    row = torch.full((3, 15), 0.1 / 13)
    row[:, 2], row[:, 3] = 0.6, 0.3  # dress, hat
    allowed = torch.stack([mask(["dress", "hat"]), mask(["hat"]), mask(["bag"])])
    targets, weights = targets_of(row, allowed, torch.tensor([True, True, True]))
    assert weights.tolist() == pytest.approx([0.9, 0.3, 0])
    assert targets[0, 2].item() == pytest.approx(0.97 * 2 / 3 + 0.002)
    assert targets[1, 3].item() == pytest.approx(0.972)
    targets, weights = targets_of(row, allowed, torch.tensor([False] * 3))
    assert weights.tolist() == [1, 1, 1]
    assert targets[2, 0].item() == pytest.approx(0.97 * (0.6 * 0.1 / 13 + 0.4) + 0.002)


def test_info_nce__each_finds_its_other_half():
    unit = torch.eye(4)
    groups = torch.tensor([5, 6, 7, 5])
    right, wrong = info_nce(unit, unit, torch.arange(4)), info_nce(unit, unit[[1, 0, 3, 2]], groups)
    assert right.item() == pytest.approx(0, abs=1e-4)
    assert wrong.item() > 5
    # Two rows show one garment; each finds the other's half, which counts as half right.
    swapped = info_nce(unit, unit[[3, 1, 2, 0]], groups)
    assert swapped.item() == pytest.approx(0.5 * 0.5 / 0.07, abs=1e-3)
