import numpy as np
import onnx
import onnxruntime
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import graph  # noqa: E402
from ml_models.lab.export import check_region, fold_constants, write_onnx, write_region  # noqa: E402
from ml_models.lab.network import ShopNet  # noqa: E402
from ml_models.lab.quantise import quantise, shrink  # noqa: E402
from ml_models.lab.served import OUTPUTS, Region, Served  # noqa: E402


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


def run(path, names=OUTPUTS):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(list(names), {"image": image()})


def kinds(path):
    return [node.op_type for node in onnx.load(str(path)).graph.node]


def test_fuse_padding__convolutions_pad_themselves(model, path):
    """The outputs, borders included, equal PyTorch's, which pads separately."""
    assert "Pad" not in kinds(path)
    pads = [
        list(each.ints)
        for node in onnx.load(str(path)).graph.node
        for each in node.attribute
        if each.name == "pads" and node.op_type == "Conv"
    ]
    # The stem, three blocks of the trunk, and the first block of each tail.
    assert pads.count([0, 0, 1, 1]) == 6
    with torch.no_grad():
        wanted = model(torch.from_numpy(image()))
    for a, b in zip(wanted, run(path), strict=True):
        assert np.allclose(a.numpy(), b, atol=1e-4)


def test_fold_constants__is_plain_onnx(path, tmp_path):
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(path.read_bytes())
    fold_constants(copy)
    domains = {node.domain for node in onnx.load(str(copy)).graph.node}
    assert domains == {""}


def test_quantise__smaller_and_nearly_the_same(path, tmp_path):
    target = tmp_path / "int8.onnx"
    pixels = torch.from_numpy(image()).permute(0, 3, 1, 2)
    quantise(path, target, pixels)
    assert target.stat().st_size < 0.3 * path.stat().st_size
    stored = onnx.load(str(target)).graph
    large = [each for each in stored.initializer if np.prod(each.dims) >= graph.FEWEST_FACTORS]
    assert large
    assert {each.data_type for each in large} == {onnx.TensorProto.INT8}
    assert not [each for each in stored.initializer if each.data_type == onnx.TensorProto.INT32]
    for a, b in zip(run(path), run(target), strict=True):
        a, b = a.astype(float), b.astype(float)
        assert (a.ravel() @ b.ravel()) / np.linalg.norm(a) / np.linalg.norm(b) > 0.98


def test_store_as_int8__rows_within_half_a_step(path):
    model = onnx.load(str(path))
    before = graph.constants(model.graph)
    name = next(each for each in graph.factors(model.graph) if before[each].ndim == 2)
    matrix = before[name]
    graph.store_as_int8(model.graph, name)
    stored = graph.constants(model.graph)
    again = stored[f"{name}_int8"] * stored[f"{name}_scale"]
    step = np.abs(matrix).max(1, keepdims=True) / 127
    assert (np.abs(again - matrix) <= step / 2 + 1e-7).all()
    assert name not in stored


def test_shorten_names__keeps_inputs_and_outputs(path, tmp_path):
    model = onnx.load(str(path))
    graph.shorten_names(model.graph)
    onnx.checker.check_model(model)
    copy = tmp_path / "short.onnx"
    onnx.save(model, str(copy))
    for a, b in zip(run(path), run(copy), strict=True):
        assert np.array_equal(a, b)
    names = {name for node in model.graph.node for name in (*node.input, *node.output) if name}
    assert max(len(name) for name in names - {"image", *OUTPUTS}) <= 5


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
