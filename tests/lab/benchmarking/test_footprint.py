import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.benchmarking.footprint import multiply_adds  # noqa: E402


def test_multiply_adds__of_layers_that_can_be_counted_by_hand():
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, stride=2, padding=1),  # 4 × 4 outputs of 4 × 27
        torch.nn.Conv2d(4, 4, 3, padding=1, groups=4),  # 4 × 4 outputs of 4 × 9
        torch.nn.Flatten(),
        torch.nn.Linear(64, 5),
    )
    assert multiply_adds(layers, 8) == 16 * 108 + 16 * 36 + 64 * 5
