"""Counting finer classes for their parents."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ml_models.lab.measuring.parent_classes import ParentEncoder, coarse, fold
from tests.helpers.pictures import picture
from visualsearch.encoders.onnx import OnnxEncoder

SHOPNET = Path(__file__).resolve().parents[3] / "ml_models/shopnet"

LABELS = ["hoodie", "longsleeve", "polo", "t-shirt"]

PARENTS = {"hoodie": "longsleeve", "polo": "t-shirt", "blazer": "outwear"}


def test_coarse():
    labels, numbers = coarse(LABELS, PARENTS)
    assert labels == ["longsleeve", "t-shirt"]
    assert numbers.tolist() == [0, 0, 1, 1]


def test_fold__adds_up():
    _, numbers = coarse(LABELS, PARENTS)
    folded = fold(np.array([[0.3, 0.4, 0.2, 0.1]], np.float32), numbers)
    assert folded[0] == pytest.approx([0.7, 0.3])


def test_fold__the_parent_of_the_first_class_stays_first():
    """A polo stays the most probable class, although two others together are more probable."""
    _, numbers = coarse(LABELS, PARENTS)
    folded = fold(np.array([[0.3, 0.3, 0.4, 0.0], [0.6, 0.1, 0.2, 0.1]], np.float32), numbers)
    assert folded.argmax(1).tolist() == [1, 0]
    assert folded.sum(1) == pytest.approx([1, 1])


def test_parent_encoder__without_parents_is_the_same(tmp_path):
    package = shutil.copytree(SHOPNET, tmp_path / "model")
    described = json.loads((package / "model.json").read_text())
    (package / "model.json").write_text(json.dumps(described | {"parents": {}}))
    plain, parent = OnnxEncoder(package), ParentEncoder(str(package))
    ours, theirs = (encoder.encode([picture(1)]) for encoder in (parent, plain))
    assert parent.labels == plain.labels
    assert np.array_equal(ours.probabilities, theirs.probabilities)
    whole, cells = parent.see(picture(1))
    assert np.array_equal(whole.embeddings, theirs.embeddings)
    assert parent.pool(cells, (0, 0, 0.5, 0.5)).probabilities.shape == (1, len(plain.labels))
