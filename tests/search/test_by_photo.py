from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from shop.models import Product
from tests.helpers.pictures import encoded, picture, plain
from tests.helpers.reindex import reindex
from visualsearch.encoders.fake import FakeEncoder
from visualsearch.exceptions import (
    CropUnavailable,
    IndexNotReady,
    InvalidCrop,
    ItemNotFound,
    QueryNotFound,
)
from visualsearch.models import Query
from visualsearch.photos.decode import open_photo
from visualsearch.search import by_photo, encode_photo, later_pages, query_log, similar_items
from visualsearch.search.requests import PageRequest, SearchRequest, SimilarRequest


@pytest.fixture
def indexed(sold):
    reindex()
    return sold


def photo(image):
    return open_photo(encoded(image))


def found(result):
    return [hit.item for hit in result.hits]


def test_search__the_photographed_product_comes_first(indexed):
    for n in (0, 3, 7):
        result = by_photo.search(photo(picture(n).rotate(3)), SearchRequest(limit=3))
        assert found(result)[0] == f"P{n}"
        assert len(result.hits) == 3
        assert result.matched
        scores = [hit.score for hit in result.hits]
        assert scores == sorted(scores, reverse=True)


def test_search__stages_predictions_and_card(indexed):
    result = by_photo.search(photo(picture(2)), SearchRequest(limit=1))
    assert {"encode", "index", "products", "total"} <= set(result.took_ms)
    assert sum(each.probability for each in result.predictions) == pytest.approx(1, abs=1e-3)
    hit = result.hits[0]
    assert hit.card["name"] == "Product P2"
    assert hit.card["price"] == "12.00"
    assert hit.image.endswith("P2-0.png")
    assert result.count == 8


def test_search__nothing_alike_is_not_a_match(indexed, configure):
    configure(ENCODER_OPTIONS={"match_threshold": 0.99})
    result = by_photo.search(photo(plain("blue")), SearchRequest(limit=3))
    assert not result.matched
    assert len(result.hits) == 3


def test_search__best_image_of_a_product_counts(sell, sold):
    sell("TWO", picture(30), picture(31))
    reindex()
    result = by_photo.search(photo(picture(31)), SearchRequest(limit=20))
    assert found(result)[0] == "TWO"
    assert found(result).count("TWO") == 1
    assert result.hits[0].image.endswith("TWO-1.png")


def test_search__hidden_since_the_last_index_is_not_shown(indexed):
    # update() sends no signal, so the index still has it; the catalog query must exclude it.
    Product.objects.filter(sku="P3").update(published=False)
    result = by_photo.search(photo(picture(3)), SearchRequest(limit=7))
    assert "P3" not in found(result)
    assert len(result.hits) == 7


def test_search__goes_on_until_the_limit_is_filled(sell):
    for n in range(60):
        sell(f"H{n:02}", picture(1))
    for n in range(5):
        sell(f"V{n}", picture(2))
    reindex()
    Product.objects.filter(sku__startswith="H").update(published=False)
    assert sorted(found(by_photo.search(photo(picture(1)), SearchRequest(limit=5)))) == [
        f"V{n}" for n in range(5)
    ]


def test_search__filter_inside_the_search(indexed):
    result = by_photo.search(photo(picture(0)), SearchRequest(limit=8, filters={"min_price": "14"}))
    assert sorted(found(result)) == ["P4", "P5", "P6", "P7"]
    assert result.count == 4


def test_search__filter_that_leaves_nothing(indexed):
    result = by_photo.search(photo(picture(0)), SearchRequest(filters={"min_price": "999"}))
    assert (result.hits, result.count, result.matched) == ([], 0, False)


def test_search__bad_filter_value(indexed):
    with pytest.raises(ValidationError) as error:
        by_photo.search(photo(picture(0)), SearchRequest(filters={"min_price": "cheap"}))
    assert "min_price" in error.value.message_dict


def test_search__unknown_parameters_are_not_filters(indexed):
    assert by_photo.search(photo(picture(0)), SearchRequest(filters={"utm_source": "x"})).count == 8


def test_search__no_index(db):
    with pytest.raises(IndexNotReady):
        by_photo.search(photo(picture(0)), SearchRequest())


def test_search__leaves_a_query_without_the_photo(indexed):
    result = by_photo.search(photo(picture(2)), SearchRequest())
    query = Query.objects.get()
    assert str(query.pk) == result.query_id
    assert query.matched
    assert query.best_score == pytest.approx(1, abs=0.01)
    assert len(query.vector) == 49 * 2


def test_page__goes_on_where_the_search_ended(indexed):
    whole = found(by_photo.search(photo(picture(2)), SearchRequest(limit=8)))
    first = by_photo.search(photo(picture(2)), SearchRequest(limit=3))
    rest = later_pages.later_page(PageRequest(query_id=first.query_id, limit=5, offset=3))
    assert found(first) + found(rest) == whole
    assert rest.predictions == first.predictions


def test_page__other_filter_without_the_photo(indexed):
    first = by_photo.search(photo(picture(2)), SearchRequest(limit=3))
    other = later_pages.later_page(
        PageRequest(query_id=first.query_id, filters={"max_price": "11"})
    )
    assert sorted(found(other)) == ["P0", "P1"]


def test_page__unknown(indexed):
    for key in (str(uuid4()), "no-uuid"):
        with pytest.raises(QueryNotFound):
            later_pages.later_page(PageRequest(query_id=key))


def test_page__expired(indexed):
    key = by_photo.search(photo(picture(2)), SearchRequest()).query_id
    Query.objects.update(expires=timezone.now())
    with pytest.raises(QueryNotFound):
        later_pages.later_page(PageRequest(query_id=key))


def test_similar__leaves_the_product_out(sell, indexed):
    sell("TWIN", picture(4).rotate(2))
    reindex()
    result = similar_items.find_similar(SimilarRequest(item="P4", limit=3))
    assert found(result)[0] == "TWIN"
    assert "P4" not in found(result)
    assert len(result.hits) == 3
    assert result.query_id is None


@pytest.mark.parametrize("key", ["NONE", "", "P0' OR 1=1"])
def test_similar__unknown_product(indexed, key):
    with pytest.raises(ItemNotFound):
        similar_items.find_similar(SimilarRequest(item=key))


def test_similar__hidden_product(indexed):
    Product.objects.filter(sku="P3").update(published=False)
    with pytest.raises(ItemNotFound):
        similar_items.find_similar(SimilarRequest(item="P3"))


def test_classify(db):
    predictions = encode_photo.classify(photo(plain("green"))).predictions
    assert predictions[0].label == "green"
    assert [p.probability for p in predictions] == sorted(
        (p.probability for p in predictions), reverse=True
    )


def test_search__not_remembered(indexed):
    result = by_photo.search(photo(picture(2)), SearchRequest(limit=2, remember=False))
    assert (result.query_id, len(result.hits)) == (None, 2)
    assert not Query.objects.exists()


def test_search__more_candidates_than_one_query_may_name(sell, monkeypatch):
    for module in ("serving.live_index", "catalogs.item_rows"):
        monkeypatch.setattr(f"visualsearch.{module}.MAX_PARAMETERS", 3)
    for n in range(10):
        sell(f"P{n}", picture(n))
    reindex()
    assert sorted(found(by_photo.search(photo(picture(1)), SearchRequest(limit=10)))) == [
        f"P{n}" for n in range(10)
    ]


def cluttered(thing):
    """Return an object on the upper right quarter of a plain wall."""
    wall = plain("grey", (480, 480))
    wall.paste(thing.resize((240, 240)), (240, 0))
    return wall


def test_search__finds_the_subject(indexed, configure):
    """The photo is mostly wall; search by the salient part."""
    configure(ENCODER_OPTIONS={"cells": True})
    result = by_photo.search(photo(cluttered(picture(3))), SearchRequest(limit=3))
    x, y, w, h = result.subject
    assert 0.5 < x + w / 2 < 1
    assert 0 < y + h / 2 < 0.5
    assert found(result)[0] == "P3"
    paged = later_pages.later_page(PageRequest(query_id=result.query_id, limit=3))
    assert paged.hits == result.hits
    assert paged.subject == list(result.subject)

    configure(ENCODER_OPTIONS={"cells": True}, FIND_SUBJECT=False)
    whole = by_photo.search(photo(cluttered(picture(3))), SearchRequest(limit=3))
    assert whole.subject is None
    assert whole.hits[0].score < result.hits[0].score


def test_search__looks_once(indexed, configure, monkeypatch):
    """Finding the subject takes no second call of the model."""
    configure(ENCODER_OPTIONS={"cells": True})
    calls = []
    grid = FakeEncoder.grid
    monkeypatch.setattr(FakeEncoder, "grid", lambda *args: calls.append(args) or grid(*args))
    assert by_photo.search(photo(cluttered(picture(3))), SearchRequest(limit=1)).subject
    assert len(calls) == 1


def test_search__subject_of_a_crop_is_in_fractions_of_the_photo(indexed, configure):
    configure(ENCODER_OPTIONS={"cells": True})
    data = encoded(cluttered(picture(3)))
    right = open_photo(data, crop=(0.25, 0.0, 0.75, 1.0))
    x, _, w, _ = by_photo.search(right, SearchRequest(limit=1)).subject
    assert 0.6 < x + w / 2 < 0.9


def test_page__of_a_crop(indexed, configure):
    """A crop is searched from the stored cells of the whole photo, which is not kept."""
    configure(ENCODER_OPTIONS={"cells": True}, FIND_SUBJECT=False)
    wall = plain("grey", (480, 480))
    wall.paste(picture(3).resize((240, 240)), (240, 0))
    wall.paste(picture(6).resize((240, 240)), (0, 240))
    query_id = by_photo.search(photo(wall), SearchRequest(limit=3)).query_id
    first = later_pages.later_page(
        PageRequest(query_id=query_id, limit=3, crop=(0.5, 0.0, 0.5, 0.5))
    )
    other = later_pages.later_page(
        PageRequest(query_id=query_id, limit=3, crop=(0.0, 0.5, 0.5, 0.5))
    )
    assert found(first)[0] == "P3"
    assert found(other)[0] == "P6"
    assert first.predictions != other.predictions
    more = later_pages.later_page(
        PageRequest(query_id=query_id, limit=2, offset=1, crop=(0.5, 0.0, 0.5, 0.5))
    )
    assert found(more) == found(first)[1:]
    # The stored search is unchanged.
    again = later_pages.later_page(PageRequest(query_id=query_id, limit=3))
    assert again.hits == by_photo.search(photo(wall), SearchRequest(limit=3)).hits


def test_page__of_a_crop_of_a_crop(indexed, configure):
    """Both crops are fractions of the uploaded photo."""
    configure(ENCODER_OPTIONS={"cells": True}, FIND_SUBJECT=False)
    right = open_photo(encoded(cluttered(picture(3))), crop=(0.5, 0.0, 0.5, 1.0))
    query_id = by_photo.search(right, SearchRequest(limit=3)).query_id
    assert (
        found(later_pages.later_page(PageRequest(query_id=query_id, crop=(0.5, 0.0, 0.5, 0.5))))[0]
        == "P3"
    )
    with pytest.raises(CropUnavailable):
        later_pages.later_page(PageRequest(query_id=query_id, crop=(0.0, 0.0, 0.5, 0.5)))


def test_page__of_a_crop_that_is_none(indexed, configure):
    configure(ENCODER_OPTIONS={"cells": True})
    query_id = by_photo.search(photo(picture(3)), SearchRequest()).query_id
    with pytest.raises(InvalidCrop):
        later_pages.later_page(PageRequest(query_id=query_id, crop=(0.5, 0.0, 0.9, 0.5)))


def test_page__of_a_crop_without_cells(indexed):
    query_id = by_photo.search(photo(picture(3)), SearchRequest()).query_id
    with pytest.raises(CropUnavailable):
        later_pages.later_page(PageRequest(query_id=query_id, crop=(0.5, 0.0, 0.5, 0.5)))


def test_search__forgets_what_has_expired(indexed, configure, monkeypatch):
    """The row is kept for statistics, without anything derived from the photo."""
    configure(ENCODER_OPTIONS={"cells": True})
    old, new = (by_photo.search(photo(picture(n)), SearchRequest()).query_id for n in (3, 4))
    Query.objects.filter(pk=old).update(expires=timezone.now())
    with pytest.raises(QueryNotFound):
        later_pages.later_page(PageRequest(query_id=old))
    query_log._log.cleaned = 0.0
    by_photo.search(photo(picture(5)), SearchRequest())
    gone, kept = Query.objects.get(pk=old), Query.objects.get(pk=new)
    assert (bytes(gone.vector), bytes(gone.cells), gone.expires) == (b"", b"", None)
    assert gone.predictions
    assert kept.vector
    assert kept.cells


# Queries: the version, the first hits' products, and storing the search; with groups also the
# items' groups.
@pytest.mark.parametrize(("collapse", "queries"), [(False, 3), (True, 4)])
def test_search__asks_only_for_what_it_shows(
    index_file, indexed, django_assert_num_queries, collapse, queries
):
    request = SearchRequest(limit=2, collapse=collapse)
    by_photo.search(photo(picture(3)), request)  # loads the index and the images' names
    with django_assert_num_queries(queries):
        result = by_photo.search(photo(picture(3)), request)
    assert len(result.hits) == 2


def test_search__hidden_products_cost_one_more_query(
    index_file, indexed, django_assert_num_queries
):
    best = found(by_photo.search(photo(picture(3)), SearchRequest(limit=8)))
    Product.objects.filter(sku__in=best[:5]).update(published=False)  # no signal: still indexed
    with django_assert_num_queries(4):
        result = by_photo.search(photo(picture(3)), SearchRequest(limit=1, collapse=False))
    assert found(result) == [best[5]]


def test_search__hidden_products_make_room_for_the_next(indexed):
    first = found(by_photo.search(photo(picture(3)), SearchRequest(limit=4)))
    Product.objects.filter(sku__in=first[1:3]).update(published=False)  # no signal: still indexed
    now = found(by_photo.search(photo(picture(3)), SearchRequest(limit=4)))
    assert len(now) == 4
    assert now[:2] == [first[0], first[3]]
