import numpy as np
import onnx
import onnxruntime
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.networks.onnx_files import (  # noqa: E402
    check_region,
    fold_constants,
    write_onnx,
    write_region,
)
from ml_models.lab.networks.served import Region, Served  # noqa: E402
from ml_models.lab.networks.shopnet import ShopNet  # noqa: E402
from ml_models.lab.quantise import shrink  # noqa: E402


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Served(ShopNet(4, 64, 16, 0.3).eval())


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    write_onnx(model, 224, path)
    return path


def image():
    return np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)


def test_fold_constants__is_plain_onnx(path, tmp_path):
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(path.read_bytes())
    fold_constants(copy)
    domains = {node.domain for node in onnx.load(str(copy)).graph.node}
    assert domains == {""}


@torch.no_grad()
def test_write_region__pools_as_pytorch_does(model, tmp_path):
    """The region graph pools as PyTorch does; after :func:`shrink` nearly so."""
    path, small = tmp_path / "region.onnx", tmp_path / "small.onnx"
    region = Region(model.model, 1.4)
    write_region(region, model, 224, path)
    assert check_region(region, model, path, torch.from_numpy(image()).permute(0, 3, 1, 2)) < 1e-4
    shrink(onnx.load(str(path)), small)
    assert small.stat().st_size < 0.5 * path.stat().st_size
    *_, cells, colours, _ = model(torch.from_numpy(image()))
    inside = np.zeros((1, 7, 7), np.float32)
    inside[:, 2:4, 1:5] = 1
    given = {"cells": cells.numpy(), "colours": colours.numpy(), "inside": inside}
    found = [
        onnxruntime.InferenceSession(str(each)).run(None, {**given, "around": 1 - inside})
        for each in (path, small)
    ]
    for a, b in zip(*found, strict=True):
        assert (a @ b.T).item() / np.linalg.norm(a) / np.linalg.norm(b) > 0.999
