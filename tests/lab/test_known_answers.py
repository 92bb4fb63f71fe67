import json
import shutil

from ml_models.lab import known_answers
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.onnx import OnnxEncoder


def test_main__adds_known_answers_to_a_package_that_has_none(tmp_path):
    folder = shutil.copytree(SHIPPED_MODEL, tmp_path / "model")
    before = json.loads((folder / "model.json").read_text())
    del before["known_answers"]
    (folder / "model.json").write_text(json.dumps(before))
    known_answers.main(["--model", str(folder)])
    after = json.loads((folder / "model.json").read_text())
    assert after.pop("known_answers")["embeddings"]
    assert after == before
    assert OnnxEncoder(folder).lowest_known_cosine() > 0.99999
