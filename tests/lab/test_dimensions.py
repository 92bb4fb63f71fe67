import json

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import dimensions, export, train  # noqa: E402
from ml_models.lab.dimensions import Asked, shortened  # noqa: E402
from tests.lab.helpers.training_arguments import train_args  # noqa: E402


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_shortened__is_the_embedding_of_fewer_numbers():
    rng = np.random.default_rng(0)
    semantic, colour = rng.normal(size=(5, 8)), rng.normal(size=(5, 4))
    whole = np.hstack([unit(semantic) * 0.6**0.5, unit(colour) * 0.4**0.5])
    cut = shortened(whole, 8, 3, 2, 0.4)
    assert cut.shape == (5, 5)
    a, b = unit(semantic[:, :3]), unit(colour[:, :2])
    assert np.allclose(cut @ cut.T, 0.6 * a @ a.T + 0.4 * b @ b.T)
    assert np.allclose(shortened(whole, 8, 8, 4, 0.4), whole)


def test_asked__recall_falls_when_what_tells_apart_is_cut_off():
    gallery = np.eye(4)[:, [0, 1, 2, 3]]
    gallery = np.hstack([np.ones((4, 1)), gallery, np.ones((4, 1))])
    queries = gallery + 0.1
    asked = Asked(gallery, list("abcd"), queries, list("abcd"))
    assert asked.recall(5, 5, 1, 0.1)["recall@1"] == 1
    assert asked.recall(5, 2, 1, 0.1)["recall@1"] < 1


def test_dimensions__a_row_for_each_length(photos, weights, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(dimensions, "SCANNED", 2000)
    monkeypatch.setattr(dimensions, "LENGTHS", ((320, 8), (8, 8), (4, 8), (2, 2)))
    train.main(train_args(photos, weights, tmp_path / "run", "--validation", photos, "--epochs", 1))
    export.main(
        ["--run", str(tmp_path / "run"), "--validation", str(photos), "--out", str(tmp_path / "m")]
    )
    capsys.readouterr()
    args = ["--model", str(tmp_path / "m"), "--data", str(photos), "--instances", str(photos)]
    dimensions.main([*args, "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert [(row["semantic"], row["colour"]) for row in rows] == [(8, 8), (4, 8), (2, 2)]
    assert [row["bytes"] for row in rows] == [32, 24, 8]
    assert all(row["scan_ms"] > 0 for row in rows)
    assert rows[0]["recall"]["same photo"]["recall@10"] > 0.8
    dimensions.main(args)
    assert "| 4 + 8 | 24 |" in capsys.readouterr().out
