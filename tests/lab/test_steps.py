"""A resumed training loop ends with the same bits as an uninterrupted one."""

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.steps import Average, Chance, Steps, rate_factor  # noqa: E402

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


def test_chance__by_its_key():
    def numbers(*key):
        chance = Chance("cpu", *key)
        return [*chance.uniform(2, 3, 4).tolist(), *chance.order(5).tolist(), *chance.pick(9, 3)]

    assert numbers(1, 2) == numbers(1, 2)
    assert numbers(1, 2) != numbers(2, 1)
    assert all(2 <= number < 3 for number in numbers(1, 2)[:4])
    assert sorted(numbers(1, 2)[4:9]) == [0, 1, 2, 3, 4]


def test_chance__draws_rows_by_weight():
    rows, weights = torch.tensor([1, 3, 4]), torch.tensor([9.0, 1.0, 9.0, 3.0, 0.0])
    counts = torch.bincount(Chance("cpu", 0).draw(rows, weights, 4000), minlength=5)
    assert counts[[0, 2, 4]].tolist() == [0, 0, 0]
    assert counts[3].item() == pytest.approx(3000, abs=100)


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


def test_rate_factor():
    assert rate_factor(0, 0.04) == pytest.approx(0.023)
    assert rate_factor(0.04, 0.04) == pytest.approx(1, abs=0.01)
    assert rate_factor(0.5, 0.04) == pytest.approx(0.503)
    assert rate_factor(1, 0.04) == pytest.approx(0.003)
