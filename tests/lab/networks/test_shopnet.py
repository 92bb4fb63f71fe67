import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

import torch.nn.functional as F  # noqa: E402

from ml_models.lab.networks.initial_weights import load_backbone  # noqa: E402
from ml_models.lab.networks.shopnet import ShopNet, saliency  # noqa: E402


@torch.no_grad()
def test_shop_net__starts_from_the_pretrained_network(weights):
    """Search features equal the backbone's; the class branch takes every n-th wide channel."""
    backbone, model = load_backbone(weights).eval(), ShopNet(2, 8, 8, 0.3).eval()
    model.start_from(backbone)
    x = torch.rand(2, 3, 96, 96) * 2 - 1
    shared = backbone.trunk(x)
    assert torch.equal(model.search_tail(model.trunk(x)), backbone.tail(shared))
    wide = F.relu6(backbone.wide(backbone.tail(shared)))
    found = model.class_branch.map(shared)
    # 320 of 1,280 channels, evenly spread.
    taken = torch.linspace(0, 1279, 320).round().long()
    assert torch.allclose(found, wide[:, taken], atol=1e-5)
    assert torch.equal(model.classify(x), model(x).logits)


@torch.no_grad()
def test_shop_net__config_builds_it_again():
    model = ShopNet(2, 8, 8, 0.4, width=0.5).eval()
    again = ShopNet(2, **model.config).eval()
    again.load_state_dict(model.state_dict())
    x = torch.rand(1, 3, 64, 64)
    for a, b in zip(model(x), again(x), strict=True):
        assert torch.equal(a, b)
    assert sum(p.numel() for p in model.trunk.parameters()) < 0.4 * sum(
        p.numel() for p in ShopNet(2, 8, 8, 0.4).trunk.parameters()
    )


def test_saliency__is_highest_where_something_stands():
    seen = torch.full((1, 4, 7, 7), 2.0)
    seen[0, :, 2:4, 3:5] = 5.0
    found = saliency(seen)
    assert found.shape == (1, 7, 7)
    assert found[0, 2:4, 3:5] == pytest.approx(torch.ones(2, 2))
    assert found.sum() == pytest.approx(4.0)
    assert saliency(torch.ones(1, 4, 7, 7)).max() == 0


@pytest.mark.parametrize("class_share", [0, 0.2])
def test_shop_net__embedding_joins_its_parts(class_share):
    model = ShopNet(3, semantic_dim=16, colour_dim=8, colour_share=0.3, class_share=class_share)
    model.eval()
    torch.nn.init.normal_(model.colour_projection.linear.weight)
    x = torch.rand(4, 3, 224, 224) * 2 - 1
    with torch.no_grad():
        features, logits, where = model(x)
        embedding = model.embed(features, model.histogram(x), logits)
        colour = model.colour_projection(model.histogram(x))
    assert logits.shape == (4, 3)
    assert where.shape == (4, 7, 7)
    assert embedding.shape == (4, 27 if class_share else 24)
    assert sum(part["size"] for part in model.parts) == embedding.shape[1]
    assert sum(part["share"] for part in model.parts) == pytest.approx(1)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(4), atol=1e-4)
    classes = (logits / 2).softmax(1).sqrt()
    wanted = 0.7 * features @ features.T + 0.3 * colour @ colour.T
    wanted = (1 - class_share) * wanted + class_share * classes @ classes.T
    assert torch.allclose(embedding @ embedding.T, wanted, atol=1e-4)
