"""Train, export, quantise and evaluate with few photos and small weights."""

import json

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import evaluate, export, quantise, train  # noqa: E402
from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.measuring import classification  # noqa: E402
from ml_models.lab.quantising.agreement import LEAST  # noqa: E402
from ml_models.lab.training.best_epoch import read_log  # noqa: E402
from tests.helpers.pictures import picture  # noqa: E402
from tests.lab.helpers.training_arguments import train_args  # noqa: E402
from visualsearch.encoders.onnx import OnnxEncoder  # noqa: E402


@pytest.fixture
def trained(photos, weights, tmp_path):
    train.main(train_args(photos, weights, tmp_path / "run", "--validation", photos))
    return tmp_path / "run"


def quantised(photos, tmp_path):
    quantise.main(
        [
            "--model",
            str(tmp_path / "fp32"),
            "--data",
            str(photos),
            "--photos",
            "8",
            "--validation",
            str(photos),
            "--out",
            str(tmp_path / "int8"),
        ]
    )


def test_train_export_quantise_evaluate(photos, trained, tmp_path, capsys, monkeypatch):
    assert [row["epoch"] for row in read_log(trained)] == [1, 2]
    export.main(
        ["--run", str(trained), "--validation", str(photos), "--out", str(tmp_path / "fp32")]
    )
    # A projection fitted to twelve photos and random weights changes too much when rounded to int8.
    with pytest.raises(Refused, match="float32 arithmetic"):
        quantised(photos, tmp_path)
    assert not (tmp_path / "int8").exists()
    monkeypatch.setitem(LEAST, "float32", (0.9, 0.8))
    quantised(photos, tmp_path)
    said = json.loads((tmp_path / "int8" / "model.json").read_text())["provenance"]["quantised"]
    assert said["agreement"]["reference"]["lowest"] == pytest.approx(1, abs=1e-4)
    sizes, probabilities = [], []
    for name in ("fp32", "int8"):
        encoder = OnnxEncoder(tmp_path / name)
        embedding = encoder.encode([picture(1)]).embeddings[0]
        ends = np.cumsum([part.size for part in encoder.parts])
        assert [part.name for part in encoder.parts] == ["features", "colour", "class"]
        for part, numbers in zip(encoder.parts, np.split(embedding, ends[:-1]), strict=True):
            assert numbers @ numbers == pytest.approx(part.share, abs=1e-3)
        probabilities.append(encoder.encode([picture(1)]).probabilities[0])
        capsys.readouterr()
        evaluate.main(["--model", str(tmp_path / name), "--data", str(photos), "--json"])
        report = json.loads(capsys.readouterr().out)
        assert report["photos"] == 12
        assert encoder.lowest_known_cosine() > 0.99999
        counts = np.array(report["confusion"]["counts"])
        assert report["accuracy"] == pytest.approx(counts.trace() / 12, abs=1e-3)
        sizes.append(report["size_bytes"])
    # test_graph compares embeddings; a projection fitted to twelve photos is not stable.
    assert probabilities[0] == pytest.approx(probabilities[1], abs=0.1)
    assert sizes[1] < sizes[0] / 2


def test_evaluate__unknown_class(photos, trained, tmp_path):
    export.main(
        ["--run", str(trained), "--validation", str(photos), "--out", str(tmp_path / "fp32")]
    )
    (photos / "cats").mkdir()
    with pytest.raises(ValueError, match="none of the model's labels"):
        classification.measure(tmp_path / "fp32", photos)
