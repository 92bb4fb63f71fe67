"""Random views of garments."""

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.photos import garment_augmentation  # noqa: E402
from ml_models.lab.photos.garments import Garments  # noqa: E402
from ml_models.lab.photos.random_numbers import Chance  # noqa: E402
from ml_models.lab.photos.sources import Kind  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

COUNT = 64

PLACE = (0.3, 0.4, 0.25, 0.3)


def garments(kind):
    """Return 64 photos with a white garment on black in the same place."""
    x, y, w, h = (round(256 * share) for share in PLACE)
    pixels = torch.zeros(COUNT, 3, 256, 256, dtype=torch.uint8)
    pixels[:, :, y : y + h, x : x + w] = 255
    rows = torch.arange(COUNT)
    return Garments(
        pixels=pixels, places=torch.tensor([PLACE] * COUNT), allowed=torch.zeros(COUNT, 15),
        kinds=torch.full((COUNT,), int(kind)), train=rows, judged=rows,
        pairs=rows[:0].reshape(0, 2),
    )  # fmt: skip


def light(views):
    """Return a mask (N, s, s) of the pixels that show the garment, whatever the light."""
    grey = views.mean(1)
    low, high = grey.amin((1, 2), keepdim=True), grey.amax((1, 2), keepdim=True)
    return grey > (low + high) / 2


@pytest.mark.parametrize("kind", [Kind.STREET, Kind.WORN])
def test_garment_views__keep_the_box(kind):
    """The garment is centred and fills the share that its margins leave."""
    views = garment_augmentation.garment_views(
        garments(kind), torch.arange(COUNT), 64, Chance("cpu", 0)
    )
    assert views.shape == (COUNT, 3, 64, 64)
    assert -1 <= views.min() < views.max() <= 1
    # A view that is cropped into the garment on all sides shows only the garment.
    seen = light(views)[views.amax((1, 2, 3)) - views.amin((1, 2, 3)) > 0.2]
    filled = seen.float().mean((1, 2))
    assert len(seen) > COUNT / 2
    assert filled.min() > 1 / (1 + 2 * garment_augmentation.MOST_MARGIN) ** 2 * 0.9
    assert seen[:, 28:36, 28:36].float().mean() > 0.99
    # Views vary in size.
    assert filled.max() - filled.min() > 0.3


def test_garment_views__floor_photos_in_part_whatever_their_box():
    one, other = garments(Kind.FLOOR), garments(Kind.FLOOR)
    other.places[:] = torch.tensor([0.0, 0.0, 1.0, 1.0])
    rows = torch.arange(COUNT)
    views = [
        garment_augmentation.garment_views(each, rows, 64, Chance("cpu", 0))
        for each in (one, other)
    ]
    assert torch.equal(*views)
    # The garment covers 7.5 % of the photo, and a view at least 30 %.
    shares = light(views[0]).float().mean((1, 2))
    assert shares.max() < 0.075 / 0.3 * 1.4


def test_garment_views__same_numbers_same_views():
    rows = torch.arange(COUNT)
    views = [
        garment_augmentation.garment_views(garments(Kind.STREET), rows, 32, Chance("cpu", 0, step))
        for step in (1, 1, 2)
    ]
    assert torch.equal(views[0], views[1])
    assert not torch.equal(views[0], views[2])


def test_judged_views__a_box_with_its_margin():
    views = garment_augmentation.judged_views(garments(Kind.STREET), torch.arange(2), 58)
    # 8 % of a side is 4 of 58 pixels.
    inside = torch.zeros(58, 58, dtype=torch.bool)
    inside[4:54, 4:54] = True
    assert (light(views) == inside).float().mean() > 0.98
    whole = garments(Kind.FLOOR)
    whole.places[:] = torch.tensor([0.0, 0.0, 1.0, 1.0])
    shares = (
        light(garment_augmentation.judged_views(whole, torch.arange(2), 64)).float().mean((1, 2))
    )
    assert shares.tolist() == pytest.approx([0.25 * 0.3] * 2, abs=0.01)


def test_tagged_views__are_upright_parts_of_photos():
    """In views of a photo with gradients, red still grows to the right and green downwards."""
    across = torch.linspace(0, 255, 256).round().to(torch.uint8).expand(384, 256)
    down = torch.linspace(0, 255, 384).round().to(torch.uint8)[:, None].expand(384, 256)
    photo = torch.stack([across, down, torch.full_like(across, 128)])[None].repeat(COUNT, 1, 1, 1)
    views = garment_augmentation.tagged_views(photo, 32, Chance("cpu", 0))
    assert views.shape == (COUNT, 3, 32, 32)
    below = views[:, 1, -8:].mean((1, 2)) - views[:, 1, :8].mean((1, 2))
    right = views[:, 0, :, -8:].mean((1, 2)) - views[:, 0, :, :8].mean((1, 2))
    # A view may be so light or dark that nothing can be seen.
    assert (below >= 0).all()
    assert (below > 0).float().mean() > 0.9
    assert 0.3 < (right > 0).float().mean() < 0.7


def test_change_light__stays_in_range():
    views = torch.full((COUNT, 3, 8, 8), 0.5)
    changed = garment_augmentation.change_light(views, Chance("cpu", 0))
    assert changed.abs().max() <= 1
    assert changed.mean((1, 2, 3)).std() > 0.1
    assert changed.is_contiguous(memory_format=torch.channels_last)
