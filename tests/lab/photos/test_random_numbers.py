import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.photos.random_numbers import Chance  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


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
