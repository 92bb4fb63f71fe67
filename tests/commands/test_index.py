import json
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.helpers.pictures import encoded, picture
from visualsearch.management.commands import visualsearch_index
from visualsearch.models import Embedding, IndexVersion, Run
from visualsearch.reindex import run_row, runs

LONG_AGO = timezone.now() - timedelta(hours=1)


def run(capsys, *args):
    capsys.readouterr()
    call_command("visualsearch_index", *args)
    return capsys.readouterr()


def test_index__says_what_was_done(sold, capsys):
    out = run(capsys).out
    assert "8 products: 8 images encoded, 0 unchanged, 0 removed, 0 failed." in out
    assert "8 images of 8 products" in out


def test_index__json(sold, capsys):
    report = json.loads(run(capsys, "--json").out)
    assert report["encoded"] == report["images"] == report["items"] == 8
    assert report["failures"] == []


def test_index__failures_are_named_and_exit_1(sold, capsys):
    sold[2].images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    with pytest.raises(SystemExit) as stop:
        run(capsys)
    assert stop.value.code == 1
    assert "P2: products/bad.png: This file is not an image" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(capsys, "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["state"] == Run.State.WITH_FAILURES
    assert [failure["item"] for failure in report["failures"]] == ["P2"]


def test_index__failed_again_after_repair(sold, capsys):
    row = sold[2].images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    with pytest.raises(SystemExit):
        run(capsys)
    with row.image.storage.open(row.image.name, "wb") as stored:
        stored.write(encoded(picture(9), "PNG"))
    assert "1 products: 1 images encoded" in run(capsys, "--failed").out


def test_index__failures_are_of_the_encoder_that_encoded(sold, capsys, configure):
    """A single product is encoded by the active version's model, whatever the settings name."""
    run(capsys)
    configure(ENCODER_OPTIONS={"version": "2"})
    row = sold[2].images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    with pytest.raises(SystemExit):
        run(capsys, "--products", sold[2].sku)
    assert row.image.name in capsys.readouterr().err


def test_index__a_run_that_cannot_go_on_is_one_sentence(sold, capsys, monkeypatch):
    def refuse(*args, **options):
        raise runs.NotPossible("Another reindex has just started. Try again.")

    monkeypatch.setattr(runs, "request", refuse)
    with pytest.raises(CommandError, match="Try again"):
        run(capsys)


def test_index__missing_leaves_the_rest_alone(sold, sell, capsys):
    run(capsys)
    sell("NEW", picture(20))
    assert "1 products: 1 images encoded" in run(capsys, "--missing").out
    assert Embedding.objects.count() == 9


def test_index__no_model(sold, configure):
    configure(
        ENCODER="visualsearch.encoders.onnx.OnnxEncoder", ENCODER_OPTIONS={"package": "/nowhere"}
    )
    with pytest.raises(CommandError, match="does not exist"):
        call_command("visualsearch_index", skip_checks=True)


def test_index__some_products(sold, capsys):
    assert "3 products: 2 images encoded" in run(capsys, "--products", "P1", "P2", "nobody").out


def test_index__beside_the_active_version(sold, capsys):
    first = json.loads(run(capsys, "--json").out)["index_version"]
    report = json.loads(run(capsys, "--no-activate", "--json").out)
    assert report["index_version"] == first
    assert IndexVersion.objects.filter(state=IndexVersion.State.READY).count() == 1


def test_index__goes_on_with_a_run_that_was_interrupted(sold, capsys):
    interrupted, _ = runs.request(Run.Scope.ALL)
    run_row.claim(interrupted)
    Run.objects.filter(pk=interrupted.pk).update(worker="elsewhere:1:x", heartbeat=LONG_AGO)
    shown = run(capsys)
    assert f"Run {interrupted.pk} is open (running). Continuing it." in shown.err
    assert "8 images encoded" in shown.out
    assert Run.objects.count() == 1


def test_index__goes_on_with_a_paused_run(sold, capsys):
    paused, _ = runs.request(Run.Scope.ALL)
    runs.pause(paused)
    assert "8 images encoded" in run(capsys).out
    paused.refresh_from_db()
    assert paused.state == Run.State.FINISHED


def test_index__watches_a_run_that_another_process_does(sold, capsys, monkeypatch):
    working, _ = runs.request(Run.Scope.ALL)
    run_row.claim(working)
    run_row.working.add(working.pk)
    naps = []

    def sleep(seconds):
        naps.append(seconds)
        if len(naps) == 3:  # the other run ends meanwhile
            run_row.working.clear()
            run_row.close(working, Run.State.FINISHED)

    monkeypatch.setattr(visualsearch_index.time, "sleep", sleep)
    assert "0 images encoded" in run(capsys).out
    assert len(naps) == 3


def test_index__a_run_asked_for_elsewhere(sold, capsys):
    asked, _ = runs.request(Run.Scope.CHOSEN, keys=["P4"])
    assert "1 products: 1 images encoded" in run(capsys, "--run", str(asked.pk)).out
    with pytest.raises(CommandError, match="no run 99"):
        run(capsys, "--run", "99")
