"""Figures on held-out street photos, computed by hand."""

from dataclasses import replace

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab.photos.class_masks import mask  # noqa: E402
from ml_models.lab.photos.label_sets import LEAVES  # noqa: E402
from ml_models.lab.training.held_out import held_out_figures, judge  # noqa: E402
from tests.lab.helpers.garment_tensors import some_garments  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def row(**found):
    values = {name.replace("_", "-"): value for name, value in found.items()}
    return [values.get(leaf, 0.0) for leaf in LEAVES]


def test_figures__finer_classes_count_for_their_parents():
    probabilities = torch.tensor(
        [
            row(hoodie=0.5, hat=0.3, bag=0.2),  # right: a hoodie is a longsleeve
            row(hat=0.95, bag=0.05),  # wrong and sure
            row(hat=0.5, polo=0.4, t_shirt=0.1),  # wrong, although both together have as much
            row(hat=0.6, bag=0.4),  # right
        ]
    )
    allowed = torch.stack(
        [mask(["longsleeve", "hoodie"]), mask(["bag"]), mask(["polo"]), mask(["hat"])]
    )
    assert held_out_figures(probabilities, allowed) == {
        "garments": 4,
        "accuracy": 0.5,
        "mean_per_class": 0.5,
        "wrong_and_90_sure": 0.25,
    }
    twice = held_out_figures(probabilities[[0, 0, 0, 1]], allowed[[0, 0, 0, 1]])
    assert (twice["accuracy"], twice["mean_per_class"]) == (0.75, 0.5)


def test_judge__what_is_held_out_alone():
    garments = some_garments()
    seen = []

    def classify(x):
        seen.append(x.shape)
        return 50 * mask(["hat"]).expand(len(x), 15)

    found = judge(classify, garments, 64)
    assert seen == [(1, 3, 64, 64)]
    assert (found["garments"], found["accuracy"]) == (1, 1)
    assert judge(classify, replace(garments, judged=garments.judged[:0]), 64) == {}
