import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.photos.class_masks import parent_matrix  # noqa: E402
from ml_models.lab.photos.label_sets import LEAVES  # noqa: E402


def probabilities(**found):
    """Return a row of probabilities, 0 for classes that are not named."""
    row = torch.zeros(1, len(LEAVES))
    for name, value in found.items():
        row[0, LEAVES.index(name)] = value
    return row


def test_parent_matrix__adds_to_parents():
    summed = probabilities(hoodie=0.25, longsleeve=0.5, hat=0.25) @ parent_matrix()
    assert torch.equal(summed, probabilities(longsleeve=0.75, hat=0.25))
