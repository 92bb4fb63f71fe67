import pytest
from PIL import Image

pytest.importorskip("matplotlib", reason="./run test --lab installs it")

from ml_models.lab.curves import draw_curves, main
from ml_models.lab.history import append_log, best_epoch, out_of_patience, read_log


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


def test_curves__no_log_yet(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert "after the first epoch" in capsys.readouterr().err


def test_append_log__replaces_the_rows_of_an_epoch_that_was_cut_off(tmp_path):
    for epoch, accuracy in ((1, 0.5), (2, 0.9), (3, 0.8), (2, 0.1 + 0.2)):
        append_log(tmp_path, epoch, row(accuracy))
    assert [each["accuracy"] for each in read_log(tmp_path)] == [0.5, 0.1 + 0.2]


@pytest.mark.parametrize(
    ("losses", "best"), [((None,) * 4, 2), ((1.0, 0.9, 0.8, 0.8), 3), ((1.0, 0.7, 0.8, 0.8), 2)]
)
def test_best_epoch__ties_go_to_the_lower_loss_then_to_the_earlier(losses, best):
    rows = [
        {"epoch": k, "accuracy": accuracy} | ({} if loss is None else {"validation_loss": loss})
        for k, (accuracy, loss) in enumerate(zip((0.5, 0.8, 0.8, 0.8), losses, strict=True), 1)
    ]
    assert best_epoch(rows) == best


def test_out_of_patience():
    rows = [{"epoch": k, "accuracy": a} for k, a in enumerate((0.5, 0.8, 0.7, 0.8), 1)]
    assert [out_of_patience(rows, n) for n in (0, 1, 2, 3)] == [False, True, True, False]
    assert not out_of_patience([], 1)
