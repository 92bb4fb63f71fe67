import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.measuring.class_groups import alike_classes  # noqa: E402
from ml_models.lab.reports.benchmark_tables import groups_in_words  # noqa: E402

LABELS = ["hat", "pants", "shirt", "shorts", "t-shirt"]

# Shirts and t-shirts are confused, and so are pants and shorts; hats are not.
COUNTS = np.array(
    [[20, 0, 0, 0, 0], [0, 16, 0, 4, 0], [0, 0, 14, 0, 6], [0, 2, 0, 18, 0], [1, 0, 30, 0, 69]]
)


def test_alike_classes__finds_the_groups_that_are_there():
    groups = alike_classes(COUNTS, LABELS)
    assert [group["classes"] for group in groups] == [["shirt", "t-shirt"], ["pants", "shorts"]]
    assert [group["share"] for group in groups] == pytest.approx([0.3, 0.15])
    assert groups_in_words(groups)[0].startswith("- shirt and t-shirt: ")


def test_alike_classes__nothing_confused():
    assert alike_classes(np.eye(4, dtype=np.int64) * 5, list("abcd")) == []
    assert groups_in_words([])[0].startswith("No classes")
