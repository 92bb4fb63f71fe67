import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.networks.initial_weights import load_backbone  # noqa: E402


def test_stride_two_pads_right_and_bottom(weights):
    stem = load_backbone(weights).trunk.stem
    x = torch.zeros(1, 3, 8, 8)
    x[0, :, 2, 2] = 1
    with torch.no_grad():
        moved = (stem(x) - stem(torch.zeros_like(x)))[0].abs().sum(0)
    # Windows start at pixels 0, 2, 4, 6: the third pixel ends the first and starts the second.
    assert (moved[:2, :2] > 0).all()
    assert moved[2:].sum() == moved[:, 2:].sum() == 0
