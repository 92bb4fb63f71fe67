import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.networks.narrowing import take_channels  # noqa: E402
from ml_models.lab.networks.shopnet import ShopNet  # noqa: E402


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
