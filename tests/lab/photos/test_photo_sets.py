import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import exceptions  # noqa: E402
from ml_models.lab.photos import photo_sets  # noqa: E402
from visualsearch.encoders import preprocess  # noqa: E402
from visualsearch.encoders.preprocess import InputSpec  # noqa: E402
from visualsearch.photos.decode import open_photo  # noqa: E402


def test_preprocessing_is_one_function(photos):
    """The lab's pixels are bit for bit those that serving feeds to the model."""
    assert photo_sets.prepare is preprocess.prepare
    spec = InputSpec(size=64)
    loaded = photo_sets.load_photos(photos, spec)
    path = sorted((photos / "blue").iterdir())[2]
    served = preprocess.prepare(open_photo(path.read_bytes()).image, spec)
    assert np.array_equal(loaded.pixels[2].permute(1, 2, 0).numpy(), served)
    assert loaded.classes == ["blue", "red"]
    assert loaded.labels.tolist() == [0] * 6 + [1] * 6


def test_shuffled_batches__leave_out_a_small_rest():
    sizes = [len(b) for b in photo_sets.shuffled_batches(70, 32, torch.Generator())]
    assert sizes == [32, 32]
    assert sum(len(b) for b in photo_sets.shuffled_batches(90, 32, torch.Generator())) == 90


def test_load_photos__names_a_damaged_photo(photos):
    (photos / "red" / "3.jpg").write_bytes(b"\xff\xd8\xff nothing")
    with pytest.raises(exceptions.Refused, match=r"red.3\.jpg cannot be used .*remove it"):
        photo_sets.load_photos(photos, InputSpec(size=32))
