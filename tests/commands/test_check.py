import json

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from shop.models import Product
from tests.helpers.pictures import picture
from tests.helpers.reindex import reindex
from visualsearch.models import Embedding, IndexVersion
from visualsearch.reindex import embeddings
from visualsearch.serving import index_files, loaded_versions


@pytest.fixture
def indexed(sold):
    reindex()
    return sold


def check(capsys):
    """A function that runs the check and returns report and exit status."""
    capsys.readouterr()
    try:
        call_command("visualsearch_check", "--json")
        status = 0
    except SystemExit as stop:
        status = stop.code
    return json.loads(capsys.readouterr().out), status


def test_check__clean(indexed, capsys):
    report, status = check(capsys)
    assert report["clean"] is True
    assert (report["items"], report["images"], status) == (8, 8, 0)
    call_command("visualsearch_check")
    assert "No drift." in capsys.readouterr().out


def test_check__product_that_was_added_without_signals(indexed, sell, capsys):
    sell("NEW", picture(20))
    report, status = check(capsys)
    assert report["not_indexed"] == ["NEW: products/NEW-0.png"]
    assert status == 1


def test_check__product_that_was_hidden_without_signals(indexed, capsys):
    Product.objects.filter(sku="P3").update(published=False)
    report, status = check(capsys)
    assert report["not_in_catalog"] == ["P3: products/P3-0.png"]
    assert status == 1


def test_check__failed_image(indexed, capsys):
    indexed[2].images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    embeddings.refresh_items(["P2"])
    report, status = check(capsys)
    assert len(report["failed"]) == 1
    assert status == 1


def test_check__damaged_index_file(indexed, capsys):
    version = IndexVersion.objects.get(state="active")
    path = index_files.folder() / version.file
    path.write_bytes(path.read_bytes()[:-1])
    report, status = check(capsys)
    assert "SHA-256" in report["index_file"]
    assert status == 1


def test_check__vector_changed_behind_the_revision(indexed, capsys):
    loaded_versions.current()
    row = Embedding.objects.get(item="P3")
    other = Embedding.objects.get(item="P4").vector
    Embedding.objects.filter(pk=row.pk).update(vector=other)
    report, status = check(capsys)
    assert report["index_differs"] == 1
    assert status == 1


def test_check__text_names_the_remedy(indexed, sell, capsys):
    sell("NEW", picture(20))
    with pytest.raises(SystemExit):
        call_command("visualsearch_check")
    assert "run manage.py visualsearch_index --missing" in capsys.readouterr().out


def test_check__never_indexed(db):
    with pytest.raises(CommandError, match="visualsearch_index"):
        call_command("visualsearch_check")
