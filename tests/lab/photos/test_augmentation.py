import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.photos.augmentation import random_views  # noqa: E402


def test_random_views__differ_but_show_the_photo():
    pixels = torch.full((16, 3, 64, 64), 30, dtype=torch.uint8)
    pixels[:, 0] = 220
    views = random_views(pixels, 48, torch.Generator().manual_seed(0))
    assert views.shape == (16, 3, 48, 48)
    assert views.min() >= -1
    assert views.max() <= 1
    assert (views[:, 0].mean((1, 2)) > views[:, 2].mean((1, 2))).all()
    assert views.mean((1, 2, 3)).std() > 0.01


def test_random_views__repeat_with_the_seed():
    pixels = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8)
    a, b = (random_views(pixels, 48, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(a, b)
