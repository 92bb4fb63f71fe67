"""Find and mend what no signal told."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from shop.models import Product, ProductImage
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch import conf
from visualsearch.exceptions import UnsupportedImage
from visualsearch.models import Embedding, Repair, Run
from visualsearch.photos.decode import RULES, Photo, open_photo
from visualsearch.reindex.drift import find_drift
from visualsearch.reindex.repair import repair
from visualsearch.reindex.tasks import resume_open_run
from visualsearch.search import by_photo
from visualsearch.search.requests import SearchRequest
from visualsearch.tasks import index_repair

pytestmark = pytest.mark.django_db


def found_by(image: Image.Image) -> list[str]:
    """Return the keys of what a search finds, best first."""
    photo = Photo(image=image)
    return [hit.item for hit in by_photo.search(photo, SearchRequest(limit=8)).hits]


def overwrite(product: Product, seed: int) -> None:
    """Replace the file of the product's picture by another, under the same name."""
    with open(product.images.get().image.path, "wb") as file:
        file.write(encoded(picture(seed), "PNG"))


def test_repair__of_what_is_right_changes_nothing(indexed):
    before = list(Embedding.objects.values("pk", "revision"))
    found = repair()
    assert (found.items, found.hashed, found.overwritten, found.failed) == (0, 8, 0, 0)
    assert list(Embedding.objects.values("pk", "revision")) == before


def test_repair__queryset_update_hides_a_product(indexed):
    Product.objects.filter(sku="P1").update(published=False)
    assert repair().items == 1
    assert "P1" not in found_by(picture(1))
    assert repair().items == 0


def test_repair__bulk_create(indexed, sell):
    name = indexed[0].images.get().image.name
    ProductImage.objects.bulk_create([ProductImage(product=sell("NEW"), image=name)])
    assert repair().items == 1
    assert Embedding.objects.filter(item="NEW", removed=False).count() == 1


def test_repair__overwritten_file(indexed):
    overwrite(indexed[2], 20)
    assert repair(contents=0).overwritten == 0
    assert found_by(picture(20))[0] != "P2"
    assert repair(contents=8).overwritten == 1
    assert found_by(picture(20))[0] == "P2"


def test_repair__the_files_read_longest_ago_come_first(indexed):
    overwrite(indexed[7], 21)
    for expected in (0, 0, 0, 1):  # two of eight pictures at a time
        found = repair(contents=2)
        assert (found.hashed, found.overwritten) == (2, expected)
    assert repair(contents=2).overwritten == 0


def test_repair__a_file_that_is_gone(indexed):
    file = indexed[3].images.get().image
    file.storage.delete(file.name)
    assert repair().failed == 1


def test_repair__waits_for_a_run(indexed):
    Run.objects.create()
    assert repair() is None
    with pytest.raises(CommandError, match="A reindex is open"):
        call_command("visualsearch_repair")


def test_repair__nothing_indexed_yet(sold):
    with pytest.raises(CommandError, match="visualsearch_index"):
        call_command("visualsearch_repair")
    index_repair()  # says nothing: the catalog's owner has not begun
    assert not Repair.objects.exists()


def test_command(indexed):
    Product.objects.filter(sku="P1").update(published=False)
    overwrite(indexed[2], 20)
    said = StringIO()
    call_command("visualsearch_repair", "--json", stdout=said)
    assert json.loads(said.getvalue()) == {"items": 1, "hashed": 7, "overwritten": 1, "failed": 0}


def test_task__and_overview(indexed, admin_client):
    Product.objects.filter(sku="P1").update(published=False)
    index_repair()
    assert Repair.objects.get().items == 1
    page = admin_client.get("/admin/visualsearch/indexversion/overview/").content.decode()
    assert "Products mended" in page


def test_repair__after_an_upgrade_encodes_what_was_decoded_otherwise(indexed, configure):
    configure(RUN_IN_BACKGROUND=False)
    Embedding.objects.filter(item__in=["P1", "P2"]).update(rules=RULES - 1)
    assert find_drift().decoded_differently == 2
    call_command("visualsearch_repair")
    run = Run.objects.first()
    assert (run.requested_by, run.encoded, run.unchanged) == ("upgrade", 2, 6)
    assert find_drift().clean
    assert repair().items == 0


def test_worker__after_an_upgrade_starts_a_run(indexed, configure):
    configure(RUN_IN_BACKGROUND=False)
    Embedding.objects.filter(item="P1").update(rules=RULES - 1)
    resume_open_run()
    assert Run.objects.first().encoded == 1
    count = Run.objects.count()
    resume_open_run()
    assert Run.objects.count() == count


@pytest.mark.parametrize("kind", ["TIFF", "JPEG2000"])
def test_catalog_formats(sell, configure, kind):
    image = sell("A", picture(1)).images.get().image
    with open(image.path, "wb") as file:
        file.write(encoded(picture(2), kind))
    reindex()
    assert "TIFF" not in conf.limits().accepted
    assert Embedding.objects.get().error
    configure(CATALOG_FORMATS=[kind])
    reindex(Run.Scope.FAILED)
    assert Embedding.objects.get().error == ""
    with pytest.raises(UnsupportedImage):
        open_photo(encoded(picture(2), kind), limits=conf.limits())
