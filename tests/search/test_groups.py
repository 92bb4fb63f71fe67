"""One hit per group, with the other items as variants."""

import pytest

from shop.models import Product
from shop.visual import ProductCatalog
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch import events
from visualsearch.photos.decode import open_photo
from visualsearch.search import by_photo, similar_items
from visualsearch.search.requests import SearchRequest, SimilarRequest
from visualsearch.serving import item_counts

pytestmark = pytest.mark.django_db


@pytest.fixture
def styles(sell):
    """Three styles with four, two and one products, and a product without a style."""
    names = ["A", "A", "A", "A", "B", "B", "C", ""]
    for n, style in enumerate(names):
        sell(f"P{n}", picture(n), style=style, color=["red", "navy"][n % 2])
    reindex()


def search(number=1, **options):
    request = SearchRequest(**{"limit": 10, **options})
    return by_photo.search(open_photo(encoded(picture(number))), request)


def of(hits):
    return {hit.item: [each.item for each in hit.variants] for hit in hits}


def test_search__one_hit_per_group(styles):
    result = search()
    assert result.count == len(result.hits) == 4
    shown = of(result.hits)
    assert shown["P1"] == ["P0", "P2", "P3"]
    assert next(iter(shown)) == "P1"
    assert sorted(key for each in shown for key in (each, *shown[each])) == [
        f"P{n}" for n in range(8)
    ]
    card = result.hits[0].variants[0].card
    assert (card["key"], card["color"]) == ("P0", "red")


def test_search__not_collapsed(styles):
    result = search(collapse=False)
    assert (result.count, len(result.hits)) == (8, 8)
    assert all(not hit.variants for hit in result.hits)


def test_search__limit_is_filled_by_groups(styles):
    assert len(search(limit=4).hits) == 4


def test_search__a_filter_counts_groups(styles):
    result = search(filters={"color": "navy"})
    assert result.count == len(result.hits) == 3
    assert of(result.hits)["P1"] == ["P0", "P2", "P3"]


def test_search__hidden_variants(styles):
    Product.objects.filter(sku__in=["P1", "P2"]).update(published=False)  # still indexed
    shown = of(search().hits)
    assert "P1" not in shown
    assert sorted([*shown, *shown.get("P0", []), *shown.get("P3", [])]).count("P2") == 0


def test_search__a_variant_whose_card_fails(styles, monkeypatch):
    make = ProductCatalog.card
    monkeypatch.setattr(
        ProductCatalog, "card", lambda self, item: 1 / 0 if item.sku == "P1" else make(self, item)
    )
    result = search()
    assert len(result.hits) == 4
    assert "P1" not in of(result.hits)
    assert all("P1" not in variants for variants in of(result.hits).values())


def test_facets__count_groups(styles):
    result = search(with_facets=True)
    (color,) = [each for each in result.facets if each["name"] == "color"]
    counts = {each["value"]: each["count"] for each in color["options"]}
    assert counts == {"red": 3, "navy": 3}
    result = search(with_facets=True, collapse=False)
    (color,) = [each for each in result.facets if each["name"] == "color"]
    assert {each["value"]: each["count"] for each in color["options"]} == {"red": 4, "navy": 4}


def test_count__of_a_large_catalog_waits_for_nobody(styles, monkeypatch):
    monkeypatch.setattr(item_counts, "COUNTED_AT_ONCE", 2)
    monkeypatch.setattr(item_counts.threading, "Thread", lambda **options: Waits())
    item_counts.forget()
    assert search().count == 8  # the items, until the groups are counted
    item_counts.forget()


class Waits:
    def start(self):
        """Do nothing, as a thread that has not begun."""


def test_event__on_a_variant(styles):
    result = search(limit=2)
    event, _new = events.record(result.query_id, "click", "P3")
    assert event.rank == 1


def test_similar__leaves_the_own_group_out(styles):
    result = similar_items.find_similar(SimilarRequest(item="P1", limit=10))
    assert set(of(result.hits)) <= {"P4", "P5", "P6", "P7"}
    assert len(result.hits) == result.count == 3
    every = similar_items.find_similar(SimilarRequest(item="P1", limit=10, collapse=False))
    assert len(every.hits) == every.count == 7
