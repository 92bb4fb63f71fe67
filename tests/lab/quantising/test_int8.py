"""Exact int8 arithmetic, of a small network and of the shipped one."""

import numpy as np
import onnx
import onnxruntime
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.networks.onnx_files import write_onnx  # noqa: E402
from ml_models.lab.networks.served import Served  # noqa: E402
from ml_models.lab.networks.shopnet import ShopNet  # noqa: E402
from ml_models.lab.photos.pixels import scale  # noqa: E402
from ml_models.lab.quantise import quantise, refuse_disagreement  # noqa: E402
from ml_models.lab.quantising.agreement import Agreement, agreement, cosines, session  # noqa: E402
from ml_models.lab.quantising.convolutions import Convolutions, extremes, read_layers  # noqa: E402
from ml_models.lab.quantising.int8_convolutions import PAIR, Int8Convolutions, whole  # noqa: E402
from ml_models.lab.quantising.rounding import covariance, fit_rounding, round_one_by_one  # noqa: E402
from tests.helpers.pictures import picture  # noqa: E402
from visualsearch.encoders.preprocess import InputSpec, prepare  # noqa: E402

SPEC = InputSpec(size=224)


@pytest.fixture(scope="module")
def pixels():
    """Random photos, uint8 (8, 3, 224, 224)."""
    images = np.stack([prepare(picture(seed), SPEC) for seed in range(8)])
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A narrow float32 model with random weights."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("float32") / "model.onnx"
    write_onnx(Served(ShopNet(4, 64, 16, 0.3, width=0.35).eval()), 224, path)
    return path


@pytest.fixture(scope="module")
def graph(path):
    return onnx.load(str(path)).graph


@pytest.fixture
def int8(graph, pixels):
    return Int8Convolutions(graph, extremes(Convolutions(graph), pixels))


@pytest.fixture(scope="module")
def quantised(path, pixels):
    target = path.with_name("int8.onnx")
    quantise(path, target, pixels)
    return target


def test_convolutions__give_what_the_graph_gives(path, graph, pixels):
    network = Convolutions(graph)
    model = onnx.load(str(path))
    for name in network.leaving:
        model.graph.output.append(onnx.ValueInfoProto(name=name))
    opened = onnxruntime.InferenceSession(model.SerializeToString())
    wanted = opened.run(network.leaving, {"image": pixels[:2].permute(0, 2, 3, 1).numpy()})
    for a, b in zip(network(scale(pixels[:2])), wanted, strict=True):
        assert np.allclose(a.numpy(), b, atol=1e-4)


def test_read_layers__refuses_another_rectifier(graph):
    changed = onnx.GraphProto()
    changed.CopyFrom(graph)
    clip = next(
        node
        for node in changed.node
        if node.op_type == "Clip" and node.input[0].endswith("Conv_output_0")
    )
    limit = next(each for each in changed.initializer if each.name == clip.input[2])
    limit.CopyFrom(onnx.numpy_helper.from_array(np.float32(5), limit.name))
    with pytest.raises(ValueError, match="0…6"):
        read_layers(changed)


def test_steps__are_powers_of_two(int8):
    steps = [*int8.steps.values(), *torch.cat(int8.weight_steps).tolist()]
    assert {np.frexp(step)[0] for step in steps} == {0.5}


def test_weights__no_pair_can_overflow(int8):
    for layer in int8.convolving[1:]:
        if layer.groups == 1:
            weight, _ = int8.integers(layer)
            flat = weight.flatten(1)
            for part in (flat, -flat):
                assert float(part.clamp_min(0).topk(2, 1).values.sum(1).max()) <= PAIR


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda weight: weight.flatten(1)[:, :2].fill_(100), "exceed 128 together"),
        (lambda weight: weight.fill_(64), "reach 2"),
    ],
)
def test_check__refuses_what_may_overflow(int8, change, reason):
    layer = next(each for each in int8.convolving[1:] if each.groups == 1)
    int8.check()
    k = layer.number
    change(int8.weights[k])
    int8.bounds[k] = (-1e9 * torch.ones(1), 1e9 * torch.ones(1))
    if reason == "reach 2":
        int8.weights[k] *= 2000
    with pytest.raises(ValueError, match=reason):
        int8.check()


def test_quantise__one_result_by_any_kernel(quantised, pixels):
    """Serving kernels, kernels that cannot overflow, and float nodes agree bit for bit."""
    images = pixels.permute(0, 2, 3, 1).numpy()
    runs = [
        session(quantised).run(None, {"image": images}),
        session(quantised, precise=True).run(None, {"image": images}),
        session(quantised, reference=True).run(None, {"image": images}),
    ]
    for served, precise, reference in zip(*runs, strict=True):
        assert np.array_equal(served, precise)
        # The layers behind the maps use floats, summed in an order that the optimiser chooses.
        assert np.allclose(served, reference, atol=1e-5)


def test_quantise__refuses_pixels_prepared_in_another_way(pixels, tmp_path):
    path = tmp_path / "model.onnx"
    model = ShopNet(4, 64, 16, 0.3, convention="torchvision", width=0.35).eval()
    write_onnx(Served(model), 224, path)
    with pytest.raises(ValueError, match="serve it in float32"):
        quantise(path, tmp_path / "int8.onnx", pixels)
    assert not (tmp_path / "int8.onnx").exists()


def test_quantise__does_what_pytorch_says(path, graph, pixels, quantised):
    network = Convolutions(graph)
    int8 = Int8Convolutions(graph, extremes(network, pixels))
    fit_rounding(network, int8, pixels)
    model = onnx.load(str(quantised))
    # Output maps are dequantised per channel; compare their integers.
    outside = [
        node
        for node in model.graph.node
        if node.op_type == "DequantizeLinear" and len(node.input) == 3
        if onnx_size(model.graph, node.input[1]) > 1
    ]
    assert len(outside) == len(int8.leaving) == 2
    for node in outside:
        model.graph.output.append(onnx.ValueInfoProto(name=node.output[0]))
    opened = onnxruntime.InferenceSession(model.SerializeToString())
    names = [node.output[0] for node in outside]
    given = opened.run(names, {"image": pixels[:3].permute(0, 2, 3, 1).numpy()})
    wanted = int8(whole(pixels[:3]))
    for a, b in zip(sorted(given, key=np.min), sorted(wanted, key=torch.min), strict=True):
        assert np.allclose(a, b.numpy(), rtol=1e-6, atol=1e-6)


def onnx_size(graph, name):
    return next(np.prod(each.dims) for each in graph.initializer if each.name == name)


def test_quantise__near_float32(path, quantised, pixels):
    measured = agreement(path, quantised, pixels)
    assert measured.reference.min() > 0.99999
    assert measured.precise.min() > 0.99999
    assert measured.float32.mean() > 0.97  # with eight photos and random weights


def test_fit__is_nearer_than_plain_rounding(graph, pixels):
    network = Convolutions(graph)
    wanted = network(scale(pixels))
    errors = []
    for fitted in (False, True):
        int8 = Int8Convolutions(graph, extremes(network, pixels))
        if fitted:
            fit_rounding(network, int8, pixels)
        maps = int8(whole(pixels))
        errors.append(
            sum(float((a - b).square().mean()) for a, b in zip(maps, wanted, strict=True))
        )
    assert errors[1] < 0.8 * errors[0]


def test_round_one_by_one__less_error_than_rounding_each_alone():
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(12, 4, generator=generator)
    moments = (mixing @ mixing.T + 0.01 * torch.eye(12))[None]
    weight = 8 * torch.randn(1, 5, 12, generator=generator)
    low, high = torch.full_like(weight, -127), torch.full_like(weight, 127)
    rounded = round_one_by_one(weight, low, high, moments)

    def error(given):
        difference = given - weight
        return float((difference @ moments @ difference.transpose(1, 2)).diagonal(0, 1, 2).sum())

    assert torch.equal(rounded, rounded.round())
    assert error(rounded) < 0.5 * error(weight.round())
    bounded = round_one_by_one(weight, low / 64, high / 64, moments)
    assert bounded.abs().max() <= 127 / 64


def test_covariance__of_windows_is_numpys(int8, pixels):
    layer = next(each for each in int8.convolving if each.groups > 1)
    x = torch.rand(2, layer.groups, 6, 6, generator=torch.Generator().manual_seed(0))
    found = covariance(layer, x, 3)[0].numpy()
    padded = np.pad(x.numpy()[:, 0], ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2)).reshape(-1, 9)
    assert np.allclose(found, np.cov(windows.T, bias=True), atol=1e-5)


def test_refuse_disagreement__names_what_is_missed():
    one = np.ones(4, np.float32)
    refuse_disagreement(Agreement(reference=one, precise=one, float32=one))
    poor = np.array([1, 1, 1, 0.97], np.float32)
    with pytest.raises(
        Refused, match=r"precise arithmetic of 0\.9925 on average and 0\.9700 at least"
    ):
        refuse_disagreement(Agreement(reference=one, precise=poor, float32=one))


def test_cosines__of_rows():
    a = np.array([[1, 0], [3, 4]], np.float32)
    assert cosines(a, np.array([[0, 1], [6, 8]], np.float32)) == pytest.approx([0, 1])
