import numpy as np
import pytest

from ml_models.lab.measuring.reliability import calibration_error, reliability


def guesses(*rows):
    """Return probabilities of three classes and true classes from (top probability, right)."""
    probabilities = np.array([[top, 1 - top - 0.01, 0.01] for top, _ in rows], np.float32)
    return probabilities, np.array([0 if right else 1 for _, right in rows])


def test_calibration_error__is_weighted_by_photos():
    rows = [(0.9, True)] * 2 + [(0.9, False)] * 2 + [(0.6, True)] * 3 + [(0.6, False)] * 3
    # Four photos are overconfident by 0.4, six by 0.1.
    assert calibration_error(reliability(*guesses(*rows))) == pytest.approx(0.22)


def test_calibration_error__too_sure_and_too_unsure_do_not_cancel():
    rows = [(0.9, True), (0.9, False), (0.6, True), (0.6, True)]
    assert calibration_error(reliability(*guesses(*rows))) == pytest.approx(0.4)


def test_calibration_error__of_a_calibrated_model():
    rows = [(0.8, True)] * 8 + [(0.8, False)] * 2
    assert calibration_error(reliability(*guesses(*rows))) == 0


def test_reliability__upper_edges_belong_to_their_bin():
    bins = reliability(np.array([[0.8, 0.2], [1, 0]], np.float32), np.array([0, 0]))
    assert len(bins) == 15
    assert {row["high"]: row["photos"] for row in bins if row["photos"]} == {0.8: 1, 1: 1}


def test_calibration_error__without_photos():
    nothing = np.zeros((0, 3), np.float32), np.zeros(0, np.int64)
    assert calibration_error(reliability(*nothing)) is None
