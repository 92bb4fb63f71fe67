import msgspec
import numpy as np
import pytest
from PIL import Image

from tests.helpers.pictures import encoded, picture
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.fake import FakeEncoder
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.encoders.preprocess import InputSpec, prepare
from visualsearch.photos.decode import Photo, open_photo
from visualsearch.photos.small_jpeg import SMALL
from visualsearch.search_queue.photo_packing import PackedPhoto, pack, unpack

SPEC = InputSpec(size=224)


def noise(size: tuple[int, int]) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(pixels)


def travelled(photo: Photo, spec: InputSpec | None) -> Photo:
    """Return a photo as a worker receives it through Redis."""
    sent = msgspec.msgpack.encode(pack(photo, spec))
    return unpack(msgspec.msgpack.decode(sent, type=PackedPhoto))


def picture_bytes(packed: PackedPhoto) -> int:
    return len(packed.pixels or packed.jpeg)


def test_pack__a_worker_sees_what_the_model_would_have_seen():
    photo = open_photo(encoded(picture(3).resize((1200, 1600)), quality=90))
    there = travelled(photo, SPEC)
    assert np.array_equal(prepare(there.image, SPEC), prepare(photo.image, SPEC))
    assert there.image.size == (224, 224)


@pytest.mark.parametrize("fit", ["squash", "pad", "crop"])
@pytest.mark.parametrize("size", [(300, 500), (500, 300), (40, 30)])
def test_pack__twice_prepared_is_once_prepared(fit, size):
    spec = InputSpec(size=160, fit=fit)
    photo = Photo(image=noise(size))
    assert np.array_equal(prepare(travelled(photo, spec).image, spec), prepare(photo.image, spec))


def test_pack__same_embedding_with_the_model_that_ships():
    encoder = OnnxEncoder(SHIPPED_MODEL)
    photo = open_photo(encoded(picture(5).resize((900, 1200)), quality=90))
    there = encoder.encode([travelled(photo, encoder.input).image])
    assert np.array_equal(there.embeddings, encoder.encode([photo.image]).embeddings)


def test_pack__without_a_model_a_jpeg():
    photo = open_photo(encoded(picture(5).resize((900, 1200)), quality=90))
    there = travelled(photo, None)
    assert there.image.size == photo.image.size
    fake = FakeEncoder()
    assert fake.encode([there.image]).embeddings @ fake.encode([photo.image]).embeddings.T > 0.999


@pytest.mark.parametrize(
    ("size", "spec"),
    [
        ((360, 480), None),
        ((480, 480), InputSpec(size=384)),
        ((700, 8400), None),
        ((4000, 360), None),
        ((16, 16), None),
        ((1000, 1000), SPEC),
    ],
)
def test_pack__never_more_than_a_worker_is_sent(size, spec):
    photo = Photo(image=noise(size))
    assert picture_bytes(pack(photo, spec)) <= SMALL


def test_pack__warnings_travel():
    photo = Photo(image=noise((64, 64)), warnings=("animation_first_frame",))
    assert travelled(photo, SPEC).warnings == ("animation_first_frame",)
