import hashlib
import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.known_answers import KnownAnswers, picture, pictures
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.encoders.package import load_package
from visualsearch.exceptions import ModelUnavailable

BYTES = ["a70800861054b903", "5a5a795bbe87b450", "213449a001ad3c49", "d644be8c13677e67"]


def test_pictures__the_same_bytes_on_any_machine():
    digests = [hashlib.sha256(each.tobytes()).hexdigest()[:16] for each in pictures()]
    assert digests == BYTES
    assert {each.size for each in pictures()} == {(300, 400)}


def test_known_answers__of_the_shipped_model():
    encoder = OnnxEncoder(SHIPPED_MODEL)
    assert len(encoder.known_answers.embeddings) == 4
    assert encoder.lowest_known_cosine() > 0.99999
    precise = OnnxEncoder(SHIPPED_MODEL, precise=True)
    options = precise.sessions[0].get_session_options()
    assert options.get_session_config_entry("session.x64quantprecision") == "1"
    images = [picture(1), picture(3)]
    assert np.array_equal(encoder.encode(images).embeddings, precise.encode(images).embeddings)


def test_known_answers__tell_a_model_that_computes_otherwise():
    """The float32 model differs as much as int8 kernels that overflow."""
    encoder = OnnxEncoder(SHIPPED_MODEL.with_name("shopnet-fp32"))
    encoder.known_answers = OnnxEncoder(SHIPPED_MODEL).known_answers
    assert encoder.lowest_known_cosine() < encoder.known_answers.least_cosine


def test_known_answers__survive_json():
    rows = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float16).astype(np.float32)
    known = KnownAnswers(embeddings=rows, least_cosine=0.99)
    again = KnownAnswers.from_json(json.loads(json.dumps(known.as_json())))
    assert np.array_equal(again.embeddings, rows)
    assert again.least_cosine == 0.99
    assert again.lowest_cosine(2 * rows) == pytest.approx(1)
    assert again.lowest_cosine(-rows) == pytest.approx(-1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"embeddings": []}, "0 embeddings"),
        ({"embeddings": ["!"]}, "malformed"),
        ({"embeddings": ["AAAA" * 8]}, "differs from embedding_dim"),
        ({"least_cosine": None}, "malformed"),
    ],
)
def test_known_answers__malformed(tmp_path, change, reason):
    folder = shutil.copytree(SHIPPED_MODEL, tmp_path / "model")
    described = json.loads((folder / "model.json").read_text())
    described["known_answers"] |= change
    (folder / "model.json").write_text(json.dumps(described))
    with pytest.raises(ModelUnavailable, match=reason):
        load_package(folder)


def test_known_answers__need_not_be_there(tmp_path):
    folder = shutil.copytree(SHIPPED_MODEL, tmp_path / "model")
    described = json.loads((folder / "model.json").read_text())
    del described["known_answers"]
    (folder / "model.json").write_text(json.dumps(described))
    assert OnnxEncoder(folder).lowest_known_cosine() is None


def test_shipped_model__cannot_overflow_on_any_processor():
    """Check that weight pairs fit 16 bits and sums the 24 bits of a float32."""
    graph = onnx.load(str(SHIPPED_MODEL / "model.onnx")).graph
    stored = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    steps = []
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 64
    for node in convolutions[1:]:
        weight, step = (stored[name] for name in makers[node.input[1]].input[:2])
        given = makers[node.input[0]]
        steps += [*step, stored[given.input[1]]]
        assert weight.dtype == np.int8
        rows = weight.reshape(len(weight), -1).astype(int)
        bias = np.abs(stored[node.input[2]] / step / stored[given.input[1]])
        assert (255 * np.abs(rows).sum(1) + bias).max() < 2**24
        if rows.shape[1] > 9:
            for part in (rows, -rows):
                assert np.sort(part.clip(0), 1)[:, -2:].sum(1).max() * 255 < 2**15
    assert {np.frexp(step)[0] for step in steps} == {0.5}
