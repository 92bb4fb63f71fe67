import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.training.learning_rates import rate_factor  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def test_rate_factor():
    assert rate_factor(0, 0.04) == pytest.approx(0.023)
    assert rate_factor(0.04, 0.04) == pytest.approx(1, abs=0.01)
    assert rate_factor(0.5, 0.04) == pytest.approx(0.503)
    assert rate_factor(1, 0.04) == pytest.approx(0.003)
