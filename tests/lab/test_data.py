import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import data  # noqa: E402
from visualsearch.encoders import preprocess  # noqa: E402
from visualsearch.encoders.preprocess import InputSpec  # noqa: E402
from visualsearch.photos import open_photo  # noqa: E402


def test_preprocessing_is_one_function(photos):
    """What the lab trains and measures on is bit by bit what serving would feed the model."""
    assert data.prepare is preprocess.prepare
    spec = InputSpec(size=64)
    loaded = data.load_photos(photos, spec)
    path = sorted((photos / "blue").iterdir())[2]
    served = preprocess.prepare(open_photo(path.read_bytes()).image, spec)
    assert np.array_equal(loaded.pixels[2].permute(1, 2, 0).numpy(), served)
    assert loaded.classes == ["blue", "red"]
    assert loaded.labels.tolist() == [0] * 6 + [1] * 6


def test_list_photos__empty_folder(tmp_path):
    with pytest.raises(ValueError, match="one folder per class"):
        data.list_photos(tmp_path)


def test_batches__leave_out_a_small_rest():
    sizes = [len(b) for b in data.batches(70, 32, torch.Generator())]
    assert sizes == [32, 32]
    assert sum(len(b) for b in data.batches(90, 32, torch.Generator())) == 90
