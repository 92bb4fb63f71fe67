import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from torch import nn  # noqa: E402

from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.networks.initial_weights import conv_layers, load_backbone  # noqa: E402
from ml_models.lab.networks.shopnet import ShopNet  # noqa: E402
from tests.lab.helpers.torchvision_mobilenet import MobileNetV2  # noqa: E402


@pytest.fixture
def reference(torchvision_weights):
    model = MobileNetV2()
    model.load_state_dict(torch.load(torchvision_weights))
    return model.eval()


def pixels(side):
    return torch.randint(0, 256, (2, 3, side, side), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("side", [96, 101])
@torch.no_grad()
def test_torchvision__same_features_borders_included(torchvision_weights, reference, side):
    wanted = reference(pixels(side))
    got = load_backbone(torchvision_weights)(pixels(side) / 127.5 - 1)
    assert wanted.std() > 0.1
    assert torch.allclose(got, wanted, atol=1e-4)


@torch.no_grad()
def test_torchvision__every_pixel_of_the_stem(torchvision_weights, reference):
    """Compare the first layer, because pooling would hide wrong padding at the border."""
    trunk = load_backbone(torchvision_weights).trunk
    stem = nn.Sequential(reference.features[0][0], reference.features[0][1])
    maps = []
    trunk.stem.register_forward_hook(lambda _, __, output: maps.append(output))
    stem.register_forward_hook(lambda _, __, output: maps.append(output))
    reference.features[0] = stem
    trunk(pixels(64) / 127.5 - 1)
    reference(pixels(64))
    assert maps[0].shape == maps[1].shape == (2, 32, 32, 32)
    assert torch.allclose(*maps, atol=1e-4)


def test_torchvision__convention_travels_in_the_config(torchvision_weights):
    """The network rebuilt from a run's config treats pixels and borders like the run did."""
    backbone = load_backbone(torchvision_weights)
    assert backbone.trunk.convention == "torchvision"
    rebuilt = ShopNet(2, 8, 8, 0.3, convention="torchvision")
    rebuilt.trunk.load_state_dict(backbone.trunk.state_dict())
    plain = ShopNet(2, 8, 8, 0.3)
    plain.trunk.load_state_dict(backbone.trunk.state_dict())
    x = pixels(64) / 127.5 - 1
    with torch.no_grad():
        assert torch.equal(rebuilt.trunk(x), backbone.trunk(x))
        assert not torch.allclose(plain.trunk(x), backbone.trunk(x), atol=0.1)


def test_load_backbone__own_weights_keep_their_convention(weights):
    trunk = load_backbone(weights).trunk
    assert trunk.convention == "tensorflow"
    assert not any(layer.symmetric for layer in conv_layers(trunk))


def test_load_backbone__refusals(tmp_path, torchvision_weights):
    with pytest.raises(Refused, match=r"\.npz, \.pth, \.pt"):
        load_backbone(tmp_path / "weights.h5")
    with pytest.raises(Refused, match="no file"):
        load_backbone(tmp_path / "weights.pth")
    state = torch.load(torchvision_weights)
    broken = {
        "missing": {name: value for name, value in state.items() if "17" not in name},
        "width": state | {"features.0.0.weight": torch.zeros(16, 3, 3, 3)},
        "list": [1, 2],
    }
    for name, content in broken.items():
        torch.save(content, tmp_path / f"{name}.pt")
        with pytest.raises(Refused, match="mobilenet_v2"):
            load_backbone(tmp_path / f"{name}.pt")
    (tmp_path / "text.pth").write_text("no weights")
    with pytest.raises(Refused, match="mobilenet_v2"):
        load_backbone(tmp_path / "text.pth")


def test_load_backbone__weights_are_integers_times_scale(weights):
    backbone = load_backbone(weights)
    with np.load(weights) as archive:
        wanted = archive["51.weight_int8"].astype(np.float32) * archive["51.weight_scale"].reshape(
            -1, 1, 1, 1
        )
    assert np.allclose(backbone.wide.weight.detach().numpy(), wanted)
    assert len(conv_layers(backbone)) == 52
    assert backbone(torch.zeros(2, 3, 96, 96)).shape == (2, 1280)
