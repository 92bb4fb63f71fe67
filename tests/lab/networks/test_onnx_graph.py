import numpy as np
import onnx
import onnxruntime
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.networks import onnx_graph  # noqa: E402
from ml_models.lab.networks.onnx_files import write_onnx  # noqa: E402
from ml_models.lab.networks.served import OUTPUTS, Served  # noqa: E402
from ml_models.lab.networks.shopnet import ShopNet  # noqa: E402
from ml_models.lab.quantise import quantise  # noqa: E402


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


def test_quantise__smaller_and_nearly_the_same(path, tmp_path):
    target = tmp_path / "int8.onnx"
    pixels = torch.from_numpy(image()).permute(0, 3, 1, 2)
    quantise(path, target, pixels)
    assert target.stat().st_size < 0.3 * path.stat().st_size
    stored = onnx.load(str(target)).graph
    large = [each for each in stored.initializer if np.prod(each.dims) >= onnx_graph.FEWEST_FACTORS]
    assert large
    assert {each.data_type for each in large} == {onnx.TensorProto.INT8}
    assert not [each for each in stored.initializer if each.data_type == onnx.TensorProto.INT32]
    for a, b in zip(run(path), run(target), strict=True):
        a, b = a.astype(float), b.astype(float)
        assert (a.ravel() @ b.ravel()) / np.linalg.norm(a) / np.linalg.norm(b) > 0.98


def test_store_as_int8__rows_within_half_a_step(path):
    model = onnx.load(str(path))
    before = onnx_graph.constants(model.graph)
    name = next(each for each in onnx_graph.factors(model.graph) if before[each].ndim == 2)
    matrix = before[name]
    onnx_graph.store_as_int8(model.graph, name)
    stored = onnx_graph.constants(model.graph)
    again = stored[f"{name}_int8"] * stored[f"{name}_scale"]
    step = np.abs(matrix).max(1, keepdims=True) / 127
    assert (np.abs(again - matrix) <= step / 2 + 1e-7).all()
    assert name not in stored


def test_shorten_names__keeps_inputs_and_outputs(path, tmp_path):
    model = onnx.load(str(path))
    onnx_graph.shorten_names(model.graph)
    onnx.checker.check_model(model)
    copy = tmp_path / "short.onnx"
    onnx.save(model, str(copy))
    for a, b in zip(run(path), run(copy), strict=True):
        assert np.array_equal(a, b)
    names = {name for node in model.graph.node for name in (*node.input, *node.output) if name}
    assert max(len(name) for name in names - {"image", *OUTPUTS}) <= 5
