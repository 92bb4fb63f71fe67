"""Garments as tensors: crops, places, training rows and weights."""

from dataclasses import replace

import pytest
from PIL import Image

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.photos.class_masks import mask  # noqa: E402
from ml_models.lab.photos.garments import (  # noqa: E402
    SIDE,
    Garments,
    crop_around,
    load_garments,
    load_tagged,
    sampling_weights,
)
from ml_models.lab.photos.label_sets import LEAVES  # noqa: E402
from ml_models.lab.photos.sources import Example, Kind  # noqa: E402
from tests.helpers.pictures import plain  # noqa: E402

STREET = {"kind": Kind.STREET, "allowed": ("hat",), "label": "hat"}


@pytest.fixture
def photo(tmp_path):
    """A lossless blue photo with a red garment at (0.4, 0.3) of 20 by 30 % of its size."""
    image = plain("blue", (400, 200))
    image.paste((200, 30, 30), (160, 60, 240, 120))
    image.save(tmp_path / "0001.png")
    return Example(image=tmp_path / "0001.png", place=(0.4, 0.3, 0.2, 0.3), area=0.06, **STREET)


def shown(pixels, place):
    """Return x, y, w, h of the red garment in a crop."""
    assert pixels.shape == (SIDE, SIDE, 3)
    red = pixels[..., 0] > 110
    rows, columns = red.any(1).nonzero()[0], red.any(0).nonzero()[0]
    assert red[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.97
    found = columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]
    assert [each / SIDE for each in found] == pytest.approx(place, abs=0.01)


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.6, 3.0])
def test_crop_around__place_is_where_the_garment_is(photo, margin):
    pixels, place = crop_around(Image.open(photo.image), photo, margin)
    shown(pixels, place)
    assert place[2] == pytest.approx(max(0.2, 1 / (1 + 2 * margin)))


def test_crop_around__floor_photos_are_whole(photo):
    floor = replace(photo, kind=Kind.FLOOR, place=(0, 0, 1, 1))
    pixels, place = crop_around(Image.open(photo.image), floor, 0.6)
    assert place == (0, 0, 1, 1)
    shown(pixels, photo.place)


def test_load_garments__held_out_ones_are_judged_and_never_trained_on(photo):
    small = replace(photo, held_out=True, area=0.005)
    garments = load_garments([photo, replace(photo, held_out=True), small], 0.6, "cpu")
    assert garments.train.tolist() == [0]
    assert garments.labelled.tolist() == [0]
    assert garments.judged.tolist() == [1]


def test_load_garments__pairs_of_worn_and_alone(photo):
    floor = replace(photo, kind=Kind.FLOOR, place=(0, 0, 1, 1))
    worn = replace(photo, kind=Kind.WORN, alone=photo.image.resolve())
    other = replace(worn, alone=photo.image.with_name("gone.png"))
    tagged = replace(photo, kind=Kind.TAGGED, allowed=("hat", "bag"))
    examples = [tagged, floor, replace(floor, allowed=()), worn, other]
    garments = load_garments(examples[:2] + examples[3:], 0.6, "cpu")
    assert garments.pairs.tolist() == [[1, 0]]
    assert garments.boxed.tolist() == [False, True, True]
    assert garments.allowed.shape == (3, 15)
    assert load_garments(examples, 0.6, "cpu").labelled.tolist() == [0, 2, 3]
    found = load_tagged(examples, "cpu")
    assert found.pixels.shape == (1, 3, 384, 256)
    assert found.allowed[0].tolist() == mask(["bag", "hat"]).tolist()
    assert load_tagged(examples[1:], "cpu") is None


def test_load_garments__damaged_file(photo):
    photo.image.write_bytes(b"no picture")
    with pytest.raises(Refused, match=r"0001.png cannot be used .*mend or remove it"):
        load_garments([photo], 0.6, "cpu")


def test_sampling_weights__by_hand():
    """Nine hats, a bag and an unlabelled photo on floors; a street hat and a worn bag."""
    hat, bag = mask(["hat"]), mask(["bag"])
    allowed = torch.stack([*[hat] * 9, bag, mask([]), hat, bag])
    kinds = torch.tensor([Kind.FLOOR] * 11 + [Kind.STREET, Kind.WORN])
    rows = torch.arange(13)
    garments = Garments(
        pixels=torch.zeros(13, 3, 1, 1), places=torch.zeros(13, 4), allowed=allowed, kinds=kinds,
        train=rows, judged=rows[:0], pairs=rows[:0].reshape(0, 2),
    )  # fmt: skip
    weights = sampling_weights(garments, street=2.5, worn=0.6)
    mean = (9 * 9 + 1) / 10
    assert weights[0].item() == pytest.approx((mean / 9) ** 0.5)
    assert weights[9].item() == pytest.approx(mean**0.5)
    assert weights[10:].tolist() == pytest.approx([0.5, 2.5, 0.6])
    assert len(LEAVES) == allowed.shape[1]
