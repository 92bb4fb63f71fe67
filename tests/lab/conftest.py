"""Photos and weights small enough for tests of the lab."""

import copy

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
    from ml_models.lab.networks.initial_weights import conv_layers
    from ml_models.lab.networks.mobilenet import Backbone

    rng = np.random.default_rng(0)
    arrays = {}
    for k, layer in enumerate(conv_layers(Backbone())):
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

    from tests.lab.helpers.torchvision_mobilenet import random_mobilenet

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


@pytest.fixture
def networks(weights):
    """Three networks that share all but their class branches."""
    import torch

    from ml_models.lab.networks.initial_weights import load_backbone
    from ml_models.lab.networks.shopnet import ShopNet

    torch.manual_seed(0)
    first = ShopNet(2, 8, 8, 0.3)
    first.start_from(load_backbone(weights))
    others = [copy.deepcopy(first) for _ in range(2)]
    for network in others:
        torch.nn.init.normal_(network.class_branch.classifier.weight, std=0.1)
    return [network.eval() for network in (first, *others)]


@pytest.fixture
def boxes(tmp_path):
    """A CSV file with the boxes of six drawn people."""
    from ml_models.lab.drawing.person import person

    rows = []
    for seed in range(6):
        drawn = person(seed)
        drawn.image.save(tmp_path / f"{seed}.jpg")
        width, height = drawn.image.size
        for garment in drawn.garments:
            left, top, right, bottom = garment.box
            place = left / width, top / height, (right - left) / width, (bottom - top) / height
            numbers = ",".join(f"{share:.4f}" for share in place)
            label = "hoodie" if garment.label == "longsleeve" else garment.label
            rows.append(f"{seed}.jpg,{label},,{numbers},{place[2] * place[3]:.4f}\n")
    path = tmp_path / "boxes.csv"
    path.write_text("image,label,tag,x,y,w,h,area\n" + "".join(rows))
    return path
