import json

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from tests.pictures import encoded, picture
from visualsearch.models import Embedding, Run


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
    assert "P2: products/bad.png: This is not a photo" in capsys.readouterr().err
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
