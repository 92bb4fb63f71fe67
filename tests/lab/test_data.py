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


def test_random_views__differ_but_show_the_photo():
    pixels = torch.full((16, 3, 64, 64), 30, dtype=torch.uint8)
    pixels[:, 0] = 220
    views = data.random_views(pixels, 48, torch.Generator().manual_seed(0))
    assert views.shape == (16, 3, 48, 48)
    assert views.min() >= -1
    assert views.max() <= 1
    assert (views[:, 0].mean((1, 2)) > views[:, 2].mean((1, 2))).all()
    assert views.mean((1, 2, 3)).std() > 0.01


def test_random_views__repeat_with_the_seed():
    pixels = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8)
    a, b = (data.random_views(pixels, 48, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(a, b)


def test_batches__leave_out_a_small_rest():
    sizes = [len(b) for b in data.batches(70, 32, torch.Generator())]
    assert sizes == [32, 32]
    assert sum(len(b) for b in data.batches(90, 32, torch.Generator())) == 90
