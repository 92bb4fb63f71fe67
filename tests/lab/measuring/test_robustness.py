from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml_models.lab.measuring import robustness
from ml_models.lab.photos.distortions import CURVES
from tests.helpers.pictures import encoded
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos.decode import open_photo

SHOPNET = Path(__file__).resolve().parents[3] / "ml_models/shopnet"

NEUTRAL = {"rotation": 0, "brightness": 1, "contrast": 1, "blur": 0, "crop": 1, "clutter": 1}


@pytest.fixture(scope="module")
def encoder():
    return OnnxEncoder(SHOPNET)


@pytest.fixture
def photos(encoder, tmp_path):
    """Seven detailed photos, of which the model classifies the first four correctly."""
    rows = []
    for n in range(7):
        path = tmp_path / f"{n}.png"
        blocks = np.random.default_rng(n).integers(0, 256, (26, 30, 3), dtype=np.uint8)
        image = Image.fromarray(blocks).resize((300, 260), Image.Resampling.NEAREST)
        path.write_bytes(encoded(image, "PNG"))
        image = open_photo(path.read_bytes()).image
        seen = int(encoder.encode([image]).probabilities[0].argmax())
        rows.append((path, (seen + (n >= 4)) % len(encoder.labels)))
    return rows


def test_robustness__neutral_levels(encoder, photos):
    curves = {name: replace(CURVES[name], levels=(level,)) for name, level in NEUTRAL.items()}
    for name, (row,) in robustness.robustness(encoder, photos, curves).items():
        assert row["level"] == NEUTRAL[name]
        assert row["accuracy"] == pytest.approx(4 / 7, abs=1e-4), name
        assert row["similarity"] == pytest.approx(1, abs=2e-3), name


@pytest.mark.parametrize("name", ["blur", "clutter", "crop", "jpeg"])
def test_robustness__similarity_falls_with_the_level(name, encoder, photos):
    """Similarity falls from the first (mild) to a middle and the last (severe) level."""
    listed = CURVES[name].levels
    levels = (listed[0], listed[len(listed) // 2], listed[-1])
    curves = {name: replace(CURVES[name], levels=levels)}
    (rows,) = robustness.robustness(encoder, photos, curves).values()
    similarities = [row["similarity"] for row in rows]
    assert all(a > b for a, b in pairwise(similarities)), similarities
    assert [row["level"] for row in rows] == list(levels)


def test_robustness__does_not_depend_on_batches(encoder, photos, monkeypatch):
    curves = {"blur": replace(CURVES["blur"], levels=(2,))}
    (whole,) = robustness.robustness(encoder, photos, curves)["blur"]
    monkeypatch.setattr(robustness, "BATCH", 3)
    (parts,) = robustness.robustness(encoder, photos, curves)["blur"]
    assert parts["accuracy"] == whole["accuracy"]
    assert parts["similarity"] == pytest.approx(whole["similarity"], abs=5e-3)


def test_robustness__without_photos(encoder):
    with pytest.raises(ValueError, match="there are none"):
        robustness.robustness(encoder, [])
