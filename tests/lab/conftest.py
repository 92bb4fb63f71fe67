"""Photos and weights small enough for tests of the lab."""

import numpy as np
import pytest

from tests.helpers.pictures import encoded, picture, plain


@pytest.fixture
def photos(tmp_path):
    """Two folders, one per class, with six photos each."""
    for label, colour in enumerate(("red", "blue")):
        folder = tmp_path / "photos" / colour
        folder.mkdir(parents=True)
        for n in range(6):
            image = plain(colour, (80, 100))
            image.paste(picture(label * 10 + n).resize((40, 40)), (20, 30))
            (folder / f"{n}.jpg").write_bytes(encoded(image))
    return tmp_path / "photos"


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Random initial weights in the stored format, scaled as by He."""
    from ml_models.lab.network import Backbone
    from ml_models.lab.weights import convolutions

    rng = np.random.default_rng(0)
    arrays = {}
    for k, layer in enumerate(convolutions(Backbone())):
        fan_in = layer.weight[0].numel()
        integers = rng.integers(-127, 128, layer.weight.shape).astype(np.int8)
        scale = np.full(len(integers), np.sqrt(2 / fan_in) / 73, np.float32)
        arrays |= {f"{k:02d}.weight_int8": integers, f"{k:02d}.weight_scale": scale}
        arrays[f"{k:02d}.bias"] = np.zeros(len(integers), np.float32)
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="session")
def torchvision_weights(tmp_path_factory):
    """A state dict of torchvision's MobileNetV2 with random weights and statistics."""
    import torch

    from tests.lab.torchvision import random_mobilenet

    path = tmp_path_factory.mktemp("torchvision") / "mobilenet_v2.pth"
    torch.save(random_mobilenet().state_dict(), path)
    return path


@pytest.fixture(scope="module")
def one_thread():
    """Run PyTorch on one thread, which is faster for small networks on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
