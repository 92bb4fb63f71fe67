import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.training.class_weights import class_weights, weighted_cross_entropy  # noqa: E402


def test_class_weights__one_on_average_over_the_photos():
    labels = torch.tensor([0] * 90 + [1] * 9 + [2])
    for kind, ratio in (("none", 1), ("sqrt", 10**0.5), ("balanced", 10)):
        weights = class_weights(labels, 3, kind)
        assert weights[labels].mean().item() == pytest.approx(1)
        assert (weights[1] / weights[0]).item() == pytest.approx(ratio)
    totals = class_weights(labels, 3, "balanced") * torch.bincount(labels)
    assert torch.allclose(totals, totals[0])


def test_weighted_cross_entropy__weighs_photos_and_leaves_their_targets():
    """A common class's photo has its optimum at its smoothed label, however rare others are."""
    weights = torch.tensor([0.5, 10.0])
    target = torch.tensor([[1.0, 0.0]])
    logits = torch.tensor([[0.95, 0.05]]).log().requires_grad_()
    weighted_cross_entropy(logits, target, weights, smoothing=0.1).backward()
    assert logits.grad.abs().max() < 1e-6

    logits = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
    target = torch.eye(2)[[0, 1, 0, 0, 1, 0]]
    plain = torch.nn.functional.cross_entropy(logits, target, weight=weights)
    assert torch.allclose(weighted_cross_entropy(logits, target, weights, 0.0), plain)
    ones = weighted_cross_entropy(logits, target, torch.ones(2), 0.1)
    assert torch.allclose(
        ones, torch.nn.functional.cross_entropy(logits, target, label_smoothing=0.1)
    )
