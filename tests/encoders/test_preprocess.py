import numpy as np
import pytest

from tests.helpers.pictures import picture, plain
from visualsearch.encoders.preprocess import InputSpec, prepare


def test_prepare__uint8_nhwc():
    pixels = prepare(picture(), InputSpec(size=32))
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8


def test_prepare__float_nchw_is_normalised():
    spec = InputSpec(
        size=32, layout="NCHW", dtype="float32", mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)
    )
    pixels = prepare(plain("white"), spec)
    assert pixels.shape == (3, 32, 32)
    assert pixels == pytest.approx(1.0)


def test_prepare__squash_keeps_all_and_crop_the_middle():
    half = plain("red", (40, 80))
    half.paste((0, 0, 255), (0, 0, 40, 20))
    squashed = prepare(half, InputSpec(size=32, fit="squash"))
    cropped = prepare(half, InputSpec(size=32, fit="crop"))
    assert squashed[0, 16, 2] > 200
    assert cropped[0, 16, 2] < 60


def test_prepare__pad_is_white_at_the_sides():
    pixels = prepare(plain("black", (20, 80)), InputSpec(size=32, fit="pad"))
    assert pixels[16, 0].tolist() == [255, 255, 255]
    assert pixels[16, 16].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "wrong", [{"layout": "HWC"}, {"dtype": "int8"}, {"resample": "best"}, {"fit": "x"}, {"size": 4}]
)
def test_input_spec__refuses_what_cannot_be_honoured(wrong):
    with pytest.raises(ValueError, match="input"):
        InputSpec(**{"size": 32, **wrong})
