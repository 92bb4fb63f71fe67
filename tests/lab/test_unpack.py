"""Unpacking a package gives the run's network, bit for bit."""

from pathlib import Path

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import unpack  # noqa: E402
from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.networks.onnx_files import run_onnx  # noqa: E402
from ml_models.lab.photos.pixels import scale  # noqa: E402
from ml_models.lab.training.stored_runs import load_run  # noqa: E402

MODELS = Path(__file__).resolve().parents[2] / "ml_models"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked") / "run"
    unpack.main(["--model", str(MODELS / "shopnet-fp32"), "--out", str(folder)])
    return folder


def test_unpack__the_run_says_what_the_package_says(run):
    model, stored = load_run(run)
    pixels = torch.randint(
        0, 256, (4, 3, 224, 224), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    _, probabilities, *_ = run_onnx(MODELS / "shopnet-fp32/model.onnx", pixels)
    with torch.no_grad():
        said = model.classify(scale(pixels)).argmax(1)
    assert said.tolist() == probabilities.argmax(1).tolist()
    assert stored["classes"][0] == "bag"
    assert stored["parents"]["hoodie"] == "longsleeve"
    assert model.shares == pytest.approx({"features": 0.63, "colour": 0.27, "class": 0.1})


def test_unpack__refuses_int8_and_a_folder_in_use(run, tmp_path):
    with pytest.raises(Refused, match="in float32"):
        unpack.main(["--model", str(MODELS / "shopnet"), "--out", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()
    with pytest.raises(Refused, match="give a new folder"):
        unpack.main(["--model", str(MODELS / "shopnet-fp32"), "--out", str(run)])
