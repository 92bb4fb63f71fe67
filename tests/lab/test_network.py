import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.colour import ColourHistogram  # noqa: E402
from ml_models.lab.network import ShopNet  # noqa: E402
from ml_models.lab.objective import principal_axes  # noqa: E402
from ml_models.lab.weights import convolutions, load_backbone, narrow  # noqa: E402


def test_load_backbone__weights_are_integers_times_scale(weights):
    backbone = load_backbone(weights)
    with np.load(weights) as archive:
        wanted = archive["51.weight_int8"].astype(np.float32) * archive["51.weight_scale"].reshape(
            -1, 1, 1, 1
        )
    assert np.allclose(backbone.branch.wide.weight.detach().numpy(), wanted)
    assert len(convolutions(backbone)) == 52
    assert backbone(torch.zeros(2, 3, 96, 96)).shape == (2, 1280)


def test_stride_two_pads_right_and_bottom(weights):
    stem = load_backbone(weights).trunk.stem
    x = torch.zeros(1, 3, 8, 8)
    x[0, :, 2, 2] = 1
    with torch.no_grad():
        moved = (stem(x) - stem(torch.zeros_like(x)))[0].abs().sum(0)
    # Windows start on pixels 0, 2, 4, 6: the third pixel is the last of the first and the first
    # of the second.
    assert (moved[:2, :2] > 0).all()
    assert moved[2:].sum() == moved[:, 2:].sum() == 0


def test_narrow__keeps_every_second_channel(weights):
    branch = load_backbone(weights).branch
    x = torch.randn(1, 160, 7, 7)
    assert torch.allclose(narrow(branch, 640)(x), branch(x)[:, ::2], atol=1e-5)


def test_shop_net__embedding_joins_features_and_colour():
    model = ShopNet(classes=3, semantic_dim=16, colour_dim=8, colour_share=0.3).eval()
    torch.nn.init.normal_(model.colour_projection.linear.weight)
    x = torch.rand(4, 3, 224, 224) * 2 - 1
    with torch.no_grad():
        features, logits = model(x)
        embedding = model.embed(features, x)
        colour = model.colour_projection(model.histogram(x))
    assert logits.shape == (4, 3)
    assert embedding.shape == (4, 24)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(4), atol=1e-4)
    wanted = 0.7 * features @ features.T + 0.3 * colour @ colour.T
    assert torch.allclose(embedding @ embedding.T, wanted, atol=1e-4)


def test_colour_histogram__sums_to_one_and_tells_colours_apart():
    histogram = ColourHistogram()
    base = torch.tensor([0.15, 0.15, 0.15])
    colours = torch.stack([base, base + 0.05, *(base + 0.7 * torch.eye(3))])
    h = histogram(colours[:, :, None, None].expand(5, 3, 224, 224))
    assert (h**2).sum(1) == pytest.approx(torch.ones(5), abs=1e-3)
    assert h[0] @ h[1] > 0.8
    for k in range(3):
        assert h[0] @ h[2 + k] < 0.2


def test_colour_histogram__the_middle_counts_more_than_the_border():
    x = torch.full((1, 3, 224, 224), -1.0)
    middle, border = x.clone(), x.clone()
    middle[:, :, 96:128, 96:128] = 1
    border[:, :, :32, :32] = 1
    histogram = ColourHistogram()
    black = histogram(x)[0]
    assert black @ histogram(middle)[0] < black @ histogram(border)[0]


def test_principal_axes__finds_the_direction_of_most_variance():
    rng = torch.Generator().manual_seed(0)
    rows = torch.randn(500, 3, generator=rng) * torch.tensor([0.1, 5.0, 0.1]) + 7
    mean, axes = principal_axes(rows, 1)
    assert mean == pytest.approx(rows.mean(0))
    assert abs(axes[0, 1]) > 0.99
