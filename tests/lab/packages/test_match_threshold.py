import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.packages.match_threshold import match_calibration  # noqa: E402


def test_match_calibration__separates_what_is_sold_from_what_is_not():
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 4
    photos = np.eye(4, dtype=np.float32)[labels] * 3 + rng.normal(size=(40, 4))
    photos = (photos / np.linalg.norm(photos, axis=1, keepdims=True)).astype(np.float32)
    found = match_calibration(photos, photos, labels, precision=0.9)
    other = np.where(labels[:, None] == labels, -1, photos @ photos.T).max(1)
    passed = (other >= found["threshold"]).sum()
    right = found["coverage"] * 40
    assert right / (right + passed) >= 0.9
    assert found["coverage"] > 0.5


def test_match_calibration__impossible_precision():
    same = np.ones((4, 2), np.float32) / np.sqrt(2, dtype=np.float32)
    with pytest.raises(ValueError, match="no similarity"):
        match_calibration(same, same, np.array([0, 1, 2, 3]), precision=1.5)
