import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import fine_tune  # noqa: E402
from ml_models.lab.training.recipe import Recipe, recipe_of  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = (
    "--side", "64", "--batch", "4", "--tags", "2", "--pairs", "3", "--steps", "3",
    "--semantic-dim", "8", "--colour-dim", "8",
    "--teacher-side", "64", "--teacher-passes", "1", "--teacher-batch", "4",
    "--teacher-steps", "2",
)  # fmt: skip


def test_recipe__options_are_its_fields():
    args = fine_tune.parse_args(["--data", "d", "--weights", "w", "--out", "o"])
    assert recipe_of(args) == Recipe()
    changed = fine_tune.parse_args(["--data", "d", "--weights", "w", "--out", "o", *SMALL])
    assert recipe_of(changed).teacher_passes == 1
    assert recipe_of(changed).colour_share == 0.3
