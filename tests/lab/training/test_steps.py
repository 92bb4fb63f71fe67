"""A resumed training loop ends with the same bits as an uninterrupted one."""

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.photos.random_numbers import Chance  # noqa: E402
from ml_models.lab.training.steps import Average, Steps  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


class Interrupted(Exception):
    """Raised in a step to simulate the end of the process."""


def loop(path, stop=None, steps=12):
    """Fit random lines, optionally interrupted in step ``stop``; return loop and losses."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 1))
    made = Steps(
        module=module,
        groups=[{"params": list(module.parameters()), "lr": 0.05}],
        weight_decay=0.01,
        longest=0.9,
        steps=steps,
        checkpoint=path,
        every=5,
    )

    def losses(step):
        if step == stop:
            raise Interrupted
        x = Chance("cpu", 7, step).uniform(-1, 1, 16, 3)
        return {"fit": (module(x) - x.sum(1, keepdim=True)).square().mean()}

    return made, losses


@pytest.mark.parametrize("stop", [3, 5, 11])
def test_steps__resumed_is_the_same_to_the_bit(tmp_path, stop):
    whole, losses = loop(tmp_path / "whole.pt")
    found = whole.fit(losses, "whole")
    broken, losses = loop(tmp_path / "parts.pt", stop)
    with pytest.raises(Interrupted):
        broken.fit(losses, "first part")
    resumed, losses = loop(tmp_path / "parts.pt")
    assert resumed.fit(losses, "second part") == found
    for name, value in whole.module.state_dict().items():
        assert torch.equal(value, resumed.module.state_dict()[name])
    # A finished loop does nothing and returns the same weights.
    again, losses = loop(tmp_path / "parts.pt", stop=0)
    again.fit(losses, "again")
    for name, value in whole.module.state_dict().items():
        assert torch.equal(value, again.module.state_dict()[name])


def test_steps__learn(tmp_path):
    short, losses = loop(tmp_path / "short.pt", steps=1)
    first = short.fit(losses, "short")["fit"]
    long, losses = loop(tmp_path / "long.pt", steps=200)
    assert long.fit(losses, "long")["fit"] < first / 20


def test_average__starts_short():
    module = torch.nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(0)
    average = Average(module, 0.5)
    module.weight.data.fill_(1)
    average.update(module, step=1)
    assert average.state["weight"].item() == pytest.approx(1 - 2 / 21)
    module.weight.data.fill_(0)
    average.update(module, step=100)
    assert average.state["weight"].item() == pytest.approx((1 - 2 / 21) / 2)
