import copy

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.networks.shopnet import ShopNet  # noqa: E402
from ml_models.lab.training.teachers import Teachers  # noqa: E402


@pytest.mark.parametrize("one_trunk", [True, False])
def test_teachers__mean_of_all_probabilities(networks, one_trunk):
    if not one_trunk:
        with torch.no_grad():
            networks[2].trunk.stem.bias.add_(0.1)
    x = torch.rand(2, 3, 64, 64) * 2 - 1
    wanted = sum(torch.softmax(network.classify(x), 1) for network in networks) / 3
    frozen = copy.deepcopy(networks[0]).requires_grad_(False)
    for student in (frozen, ShopNet(2, 8, 8, 0.3, width=0.5)):
        teachers = Teachers(networks, student)
        assert teachers.one_trunk is one_trunk
        seen = teachers.look(x, student.trunk(x))
        assert torch.allclose(teachers.probabilities(seen), wanted, atol=1e-6)
        assert torch.allclose(teachers.features(seen), networks[0](x).features, atol=1e-6)
