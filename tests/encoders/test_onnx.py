import hashlib
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from tests.encoders import golden
from tests.helpers.pictures import picture, plain
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.cells import Cells
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.encoders.package import load_package
from visualsearch.exceptions import ModelUnavailable

ROOT = SHIPPED_MODEL.parents[1]


@pytest.fixture(scope="module")
def encoder():
    return OnnxEncoder(SHIPPED_MODEL)


def test_encode__golden_vectors():
    """Pin model and preprocessing together: a change of either shows here."""
    wanted, got = json.loads(golden.FILE.read_text()), golden.compute()
    assert got["encoder"] == wanted["encoder"]
    embeddings, expected = np.array(got["embeddings"]), np.array(wanted["embeddings"])
    # Stored with four digits; every processor computes the same.
    lengths = np.linalg.norm(embeddings, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((embeddings * expected).sum(1) / lengths > 0.99999).all()
    assert np.abs(np.array(got["probabilities"]) - wanted["probabilities"]).max() < 0.001


def test_encode__shapes_and_lengths(encoder):
    encoding = encoder.encode([picture(1), picture(2, (300, 100))])
    assert encoding.embeddings.shape == (2, encoder.dim)
    assert encoder.dim <= 512
    assert encoding.embeddings.dtype == np.float32
    assert np.allclose(np.linalg.norm(encoding.embeddings, axis=1), 1, atol=1e-3)
    assert np.allclose(encoding.probabilities.sum(1), 1, atol=1e-3)


def test_encode__one_by_one_as_in_a_batch(encoder):
    images = [picture(seed) for seed in range(5)]
    together = encoder.encode(images).embeddings
    single = np.concatenate([encoder.encode([image]).embeddings for image in images])
    assert ((together * single).sum(1) > 0.999).all()


def test_encode__colour_is_part_of_the_embedding(encoder):
    def shirt(colour: str) -> Image.Image:
        image = plain("white", (200, 200))
        image.paste(plain(colour, (120, 140)), (40, 30))
        return image

    red, darker, blue = encoder.encode([shirt(c) for c in ("red", "#b41c1c", "blue")]).embeddings
    assert red @ darker > red @ blue + 0.1


@pytest.fixture(scope="module")
def two(encoder):
    """A photo of two objects on a wall, and a photo of each."""
    things = picture(3, (320, 320)), picture(8, (320, 320))
    wall = plain("#d8d4cc", (640, 640))
    wall.paste(things[0], (320, 0))
    wall.paste(things[1], (0, 320))
    alone = encoder.encode(things).embeddings
    return encoder.see(wall), alone


QUARTERS = (0.5, 0.0, 0.5, 0.5), (0.0, 0.5, 0.5, 0.5)


def test_see__says_what_encode_says(encoder):
    image = picture(2)
    (seen, cells), encoding = encoder.see(image), encoder.encode([image])
    assert np.array_equal(seen.embeddings, encoding.embeddings)
    assert np.array_equal(seen.probabilities, encoding.probabilities)
    assert cells.shape == (7, 7)
    assert cells.saliency.max() == 1


def test_pool__is_nearer_to_what_lies_there(encoder, two):
    (whole, cells), alone = two
    for k, part in enumerate(QUARTERS):
        pooled = encoder.pool(cells, part)
        assert pooled.embeddings.shape == (1, encoder.dim)
        assert np.linalg.norm(pooled.embeddings) == pytest.approx(1, abs=1e-3)
        assert pooled.probabilities.sum() == pytest.approx(1, abs=1e-3)
        likeness = alone @ pooled.embeddings[0]
        assert likeness[k] > likeness[1 - k]
        assert likeness[k] > alone[k] @ whole.embeddings[0]


def test_pool__of_what_was_kept(encoder, two):
    (_, cells), _ = two
    kept = Cells.from_bytes(cells.to_bytes())
    for part in QUARTERS:
        fresh, stored = encoder.pool(cells, part), encoder.pool(kept, part)
        assert float(fresh.embeddings[0] @ stored.embeddings[0]) > 0.999
        assert np.abs(fresh.probabilities - stored.probabilities).max() < 0.02


def test_pool__all_of_a_photo(encoder):
    whole, cells = encoder.see(picture(4))
    pooled = encoder.pool(cells, (0.0, 0.0, 1.0, 1.0))
    assert float(pooled.embeddings[0] @ whole.embeddings[0]) > 0.8


def test_pool__where_nothing_is_salient(encoder, two):
    """A shopper may search by a piece of wall."""
    (_, cells), _ = two
    assert np.isfinite(encoder.pool(cells, (0.01, 0.01, 0.05, 0.05)).embeddings).all()


def test_encode__from_many_threads(encoder):
    images = [picture(seed) for seed in range(8)]
    wanted = [encoder.encode([image]).embeddings[0] for image in images]
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda image: encoder.encode([image]).embeddings[0], images * 3))
    for k, embedding in enumerate(got):
        assert embedding @ wanted[k % 8] > 0.999


def test_graph__takes_uint8_pixels():
    package = load_package(SHIPPED_MODEL)
    graph = onnx.load(str(package.model.path)).graph
    assert graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8
    assert package.input.dtype == "uint8"


def test_session__starts_with_the_first_encode():
    assert not OnnxEncoder(SHIPPED_MODEL)._sessions


def test_any_classifier_with_a_model_json_can_be_served(tmp_path):
    """A model with float NCHW input, external normalisation and the mean colour as embedding."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("LpNormalization", ["flat"], ["e"], axis=1),
        helper.make_node("Softmax", ["flat"], ["p"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3]) for name in "ep"],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "mean.onnx")
    described = {
        "id": "mean", "version": "1", "file": "mean.onnx",
        "sha256": hashlib.sha256((tmp_path / "mean.onnx").read_bytes()).hexdigest(),
        "input": {"name": "x", "size": 32, "layout": "NCHW", "dtype": "float32",
                  "mean": [0, 0, 0], "std": [1, 1, 1]},
        "outputs": {"embedding": "e", "probabilities": "p"},
        "labels": ["r", "g", "b"], "embedding_dim": 3, "match": {"threshold": 0.9},
    }  # fmt: skip
    (tmp_path / "model.json").write_text(json.dumps(described))
    encoder = OnnxEncoder(tmp_path)
    encoding = encoder.encode([plain("blue")])
    assert encoder.labels[encoding.probabilities[0].argmax()] == "b"
    assert encoder.see(plain("blue"))[1] is None


def test_session__file_that_is_no_model(tmp_path):
    folder = shutil.copytree(SHIPPED_MODEL, tmp_path / "model")
    (folder / "model.onnx").write_bytes(b"no model")
    described = json.loads((folder / "model.json").read_text())
    described["sha256"] = hashlib.sha256(b"no model").hexdigest()
    (folder / "model.json").write_text(json.dumps(described))
    with pytest.raises(ModelUnavailable, match="not a usable model"):
        OnnxEncoder(folder).encode([picture(1)])


def test_session__damaged_region(tmp_path):
    folder = shutil.copytree(SHIPPED_MODEL, tmp_path / "model")
    (folder / "region.onnx").write_bytes(b"no model")
    with pytest.raises(ModelUnavailable, match=r"region.onnx is not the file"):
        OnnxEncoder(folder).encode([picture(1)])


@pytest.mark.parametrize("module", ["visualsearch.encoders.onnx", "ml_models.lab.quantise"])
def test_nothing_calls_home(module, tmp_path):
    """ONNX Runtime's telemetry would start by creating a machine identifier in the home folder."""
    if module.startswith("ml_models.lab"):
        pytest.importorskip("torch", reason="./run test --lab installs PyTorch")
    code = f"import {module}, onnxruntime; onnxruntime.get_device()"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    assert list(tmp_path.rglob("*")) == []
