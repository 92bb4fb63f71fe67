"""Test that the catalog check finds each kind of problem."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from PIL import Image

from shop.models import Category, Product
from tests.helpers.pictures import encoded, picture, plain
from tests.helpers.reindex import reindex
from visualsearch.analytics import catalog_check
from visualsearch.models import CatalogCheck, Embedding, Finding, Query

pytestmark = pytest.mark.django_db


def found(kind: str) -> list[str]:
    """Check the catalog, and return the keys of the products with findings of a kind."""
    assert catalog_check.check().error == ""
    return sorted(Finding.objects.filter(kind=kind).values_list("item", flat=True))


def stripes(*colours: str, size=(200, 200)) -> Image.Image:
    """Return a picture of vertical stripes."""
    image, width = Image.new("RGB", size), size[0] // len(colours)
    for place, colour in enumerate(colours):
        image.paste(Image.new("RGB", (width, size[1]), colour), (place * width, 0))
    return image


def worn(colour: str) -> Image.Image:
    """Return a square of a colour on white."""
    image = Image.new("RGB", (200, 200), "white")
    image.paste(Image.new("RGB", (140, 140), colour), (30, 30))
    return image


def test_good_catalog__has_nothing(sell):
    for seed in range(8):
        sell(f"P{seed}", picture(seed, (200, 260)))
    reindex()
    row = catalog_check.check()
    assert (row.products, row.error) == (8, "")
    assert not Finding.objects.exists()


def test_duplicate__of_lower_quality_is_found_once(sold, sell):
    small = picture(3).resize((60, 80))
    product = sell("COPY")
    product.images.create(image=ContentFile(encoded(small, quality=60), "copy.jpg"))
    reindex()
    assert len(found("duplicate")) == 1
    finding = Finding.objects.get(kind="duplicate")
    assert {finding.item, finding.other} == {"P3", "COPY"}
    assert finding.confidence > 0.95


def test_duplicates__within_a_product_are_none(sell):
    sell("P1", picture(1), picture(1, (48, 64)))
    reindex()
    assert found("duplicate") == []


def test_poor_pictures__blank_tiny_and_missing(sell):
    sell("BLANK", plain("white", (300, 300)))
    sell("TINY", picture(1, (60, 300)))
    sell("GOOD", picture(2, (300, 300)))
    sell("BARE")
    sell("BROKEN").images.create(image=ContentFile(b"no picture", "broken.png"))
    reindex()
    assert found("blank") == ["BLANK"]
    assert found("tiny") == ["TINY"]
    assert Finding.objects.get(kind="tiny").seen == "60 px"
    assert found("no_picture") == ["BARE"]


def test_placeholder__is_neither_blank_nor_a_duplicate(sell):
    for n in range(12):
        sell(f"B{n}", plain("white", (300, 300)))
    sell("GOOD", picture(2, (300, 300)))
    reindex()
    catalog_check.check()
    assert not Finding.objects.exists()


@pytest.fixture
def classes(monkeypatch):
    """A shop whose categories are the classes of the fake encoder."""
    names = {"red": {"red"}, "green": {"green"}, "blue": {"blue"}}
    monkeypatch.setattr("shop.visual.WORDS", names)


def test_class__that_disagrees_with_the_category(sell, classes):
    sell("RIGHT", stripes("red", "darkred"), category="Red")
    sell("WRONG", stripes("blue", "darkblue"), category="Red")
    sell("BLUE", stripes("blue", "navy"), category="Blue")
    sell("UNSURE", stripes("red", "blue"), category="Red")
    reindex()
    assert found("class") == ["WRONG"]
    finding = Finding.objects.get(kind="class")
    assert (finding.expected, finding.seen) == ("red", "blue")


def test_class__is_suggested_for_a_product_in_no_class(sell, classes):
    sell("RIGHT", stripes("red", "darkred"), category="Red", color="red")
    sell("NONE", stripes("red", "darkred"), category="New", color="red")
    reindex()
    assert found("tags") == ["NONE"]
    assert Finding.objects.get(kind="tags").seen == "red"


def test_colour__that_disagrees_with_the_field(sell):
    sell("RIGHT", worn("#c01020"), color="Dark red")
    sell("NEAR", worn("#c01020"), color="pink")
    sell("WRONG", worn("#1020c0"), color="red")
    sell("OWN", worn("#1020c0"), color="Galaxy")  # a word that nobody knows
    reindex()
    assert found("colour") == ["WRONG"]
    finding = Finding.objects.get(kind="colour")
    assert (finding.expected, finding.seen) == ("red", "blue")


def test_colour__is_suggested_where_it_is_missing(sell):
    sell("NONE", worn("#1020c0"))
    reindex()
    catalog_check.check()
    tag = Finding.objects.get(kind="tags", tag="colour")
    assert (tag.item, tag.seen) == ("NONE", "blue")
    assert tag.confidence > 0.9


def test_colour__without_a_facet_is_suggested_to_a_shop_that_takes_tags(sell, monkeypatch):
    monkeypatch.setattr("shop.visual.ProductCatalog.facets", [])
    sell("A", worn("#1020c0"), color="red")
    reindex()
    assert "A" in found("tags")
    monkeypatch.delattr("shop.visual.ProductCatalog.apply_tags")
    assert found("tags") == []


def test_accepted_tag__is_not_suggested_again(sell):
    sell("NONE", worn("#1020c0"))
    reindex()
    catalog_check.check()
    Finding.objects.filter(kind="tags").update(accepted=True)
    catalog_check.check()
    assert Finding.objects.filter(kind="tags", accepted=False).count() == 0


def test_never_shown__counts_only_after_searches(sold):
    reindex()
    assert found("never_shown") == []
    Query.objects.create(encoder="fake-1", vector=b"", shown={"P1": 1, "P2": 2})
    assert found("never_shown") == ["P0", "P3", "P4", "P5", "P6", "P7"]


def test_check__replaces_the_findings_before(sell):
    bare = sell("BARE")
    sell("P1", picture(1))
    reindex()
    assert found("no_picture") == ["BARE"]
    bare.images.create(image=ContentFile(encoded(picture(5), "PNG"), "bare.png"))
    reindex()
    assert found("no_picture") == []


def test_rows_of_an_earlier_release__are_read_once(sell, classes):
    sell("WRONG", stripes("blue", "darkblue"), category="Red")
    sell("BLUE", stripes("blue", "navy"), category="Blue")
    reindex()
    revisions = list(Embedding.objects.values_list("revision", flat=True))
    Embedding.objects.update(traits=None)
    assert found("class") == ["WRONG"]
    assert list(Embedding.objects.values_list("revision", flat=True)) == revisions
    Product.objects.get(sku="BLUE").images.get().image.delete()
    assert found("class") == ["WRONG"]


def test_check__one_at_a_time(sold):
    reindex()
    CatalogCheck.objects.create(products=3)
    catalog_check.check()
    assert CatalogCheck.objects.get().finished is None
    CatalogCheck.objects.update(heartbeat=timezone.now() - timedelta(hours=1))
    assert catalog_check.check().products == 8


def test_check__without_an_index_says_so(db):
    Category.objects.create(name="Shirts")
    row = catalog_check.check()
    assert row.error
    assert row.finished is not None
