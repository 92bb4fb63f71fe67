import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.networks.temperature import Temperature  # noqa: E402


def test_temperature__is_one_number_without_a_boundary():
    made = Temperature(4, 0.7)
    assert made(torch.randn(3, 4)).tolist() == [pytest.approx([0.7])] * 3


def test_worn__nothing_looks_worn_before_it_is_fitted():
    assert Temperature(4, 0.7).worn(torch.randn(3, 4)).max() < 1e-4
