"""Losses and targets of sets of classes, computed by hand."""

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.photos.class_masks import mask  # noqa: E402
from ml_models.lab.photos.label_sets import LEAVES  # noqa: E402
from ml_models.lab.training.set_losses import (  # noqa: E402
    set_loss,
    smooth,
    soft_cross_entropy,
    soft_targets,
    within,
)


def probabilities(**found):
    """Return a row of probabilities, 0 for classes that are not named."""
    row = torch.zeros(1, len(LEAVES))
    for name, value in found.items():
        row[0, LEAVES.index(name)] = value
    return row


def test_set_loss__anything_within_the_set_is_right():
    logits = probabilities(hoodie=0.25, longsleeve=0.5, hat=0.25).clamp_min(1e-9).log()
    allowed = mask(["hoodie", "longsleeve"])[None]
    assert set_loss(logits, allowed, 0).exp().item() == pytest.approx(1 / 0.75)
    other = probabilities(hoodie=0.5, longsleeve=0.25, hat=0.25).clamp_min(1e-9).log()
    assert set_loss(other, allowed, 0.1).item() == pytest.approx(
        set_loss(logits, allowed, 0.1).item()
    )
    assert set_loss(logits, mask(["hat"])[None], 0).exp().item() == pytest.approx(4)


def test_within():
    found, mass = within(
        probabilities(hoodie=0.25, longsleeve=0.5, hat=0.25), mask(["hoodie", "longsleeve"])[None]
    )
    assert mass.item() == pytest.approx(0.75)
    assert found[0].tolist() == pytest.approx(
        probabilities(hoodie=1 / 3, longsleeve=2 / 3)[0].tolist()
    )


@pytest.mark.parametrize(
    ("allowed", "wanted"),
    [
        # Half the teacher's probabilities, half the same restricted to the set.
        (["hoodie", "longsleeve"], {"hoodie": 0.3, "longsleeve": 0.6, "hat": 0.1}),
        # The teacher excludes the whole set: equal shares of its classes.
        (["polo", "shirt"],
         {"polo": 0.25, "shirt": 0.25, "hoodie": 2 / 15, "longsleeve": 4 / 15, "hat": 0.1}),
        # No label: the teacher decides.
        ([], {"hoodie": 4 / 15, "longsleeve": 8 / 15, "hat": 0.2}),
    ],
)  # fmt: skip
def test_soft_targets(allowed, wanted):
    said = probabilities(hoodie=4 / 15, longsleeve=8 / 15, hat=0.2)
    found = soft_targets(said, mask(allowed)[None], 0.5)
    assert found.sum().item() == pytest.approx(1)
    assert found[0].tolist() == pytest.approx(probabilities(**wanted)[0].tolist(), abs=1e-6)


def test_smooth_and_soft_cross_entropy():
    target = smooth(probabilities(hat=1), 0.03)
    assert target[0, 0].item() == pytest.approx(0.002)
    assert target.sum().item() == pytest.approx(1)
    logits = torch.randn(4, 15, generator=torch.Generator().manual_seed(0))
    ours = soft_cross_entropy(logits, target.expand(4, 15)).mean()
    assert ours.item() == pytest.approx(
        torch.nn.functional.cross_entropy(logits, target.expand(4, 15)).item()
    )
