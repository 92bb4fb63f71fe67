import pytest

pytest.importorskip("matplotlib", reason="./run test --lab installs it")

from ml_models.lab.training.best_epoch import append_log, best_epoch, out_of_patience, read_log


def row(accuracy, **further):
    return {"class_loss": 1.5, "accuracy": accuracy, "seconds": 3.0} | further


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
