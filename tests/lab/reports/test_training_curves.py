import pytest
from PIL import Image

pytest.importorskip("matplotlib", reason="./run test --lab installs it")

from ml_models.lab.curves import main
from ml_models.lab.reports.training_curves import draw_curves
from ml_models.lab.training.best_epoch import append_log, read_log


def row(accuracy, **further):
    return {"class_loss": 1.5, "accuracy": accuracy, "seconds": 3.0} | further


def ink(folder):
    """Return the share of the picture's pixels that are not white."""
    with Image.open(folder / "curves.png") as picture:
        assert picture.size == (1200, 800)
        return 1 - sum(picture.convert("L").histogram()[250:]) / (1200 * 800)


def test_draw_curves__one_epoch_and_columns_that_came_later(tmp_path):
    append_log(tmp_path, 1, row(0.5))
    draw_curves(tmp_path)
    first = ink(tmp_path)
    append_log(tmp_path, 2, row(0.75, learning_rate=1e-3, validation_loss=0.9))
    assert read_log(tmp_path)[0] == {"epoch": 1.0} | row(0.5)
    main([str(tmp_path)])
    assert 0.01 < first != ink(tmp_path)
