import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.measuring.confusion import confused_pairs  # noqa: E402

LABELS = ["hat", "pants", "shirt", "shorts", "t-shirt"]

# Shirts and t-shirts are confused, and so are pants and shorts; hats are not.
COUNTS = np.array(
    [[20, 0, 0, 0, 0], [0, 16, 0, 4, 0], [0, 0, 14, 0, 6], [0, 2, 0, 18, 0], [1, 0, 30, 0, 69]]
)


def test_confused_pairs__most_first():
    pairs = [(p["true"], p["predicted"], p["photos"]) for p in confused_pairs(COUNTS, LABELS)]
    assert pairs == [
        ("t-shirt", "shirt", 30),
        ("shirt", "t-shirt", 6),
        ("pants", "shorts", 4),
        ("shorts", "pants", 2),
        ("t-shirt", "hat", 1),
    ]
