"""When a ranking rule acts, and how soon a change counts."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shop.models import Product
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import rebuild
from tests.helpers.rules import effects, rule, stock_rule
from visualsearch.models import Experiment, Query, RankingRule, Storefront
from visualsearch.photos.decode import open_photo
from visualsearch.search import by_photo, later_pages, rules, similar_items
from visualsearch.search.requests import PageRequest, SearchRequest, SimilarRequest
from visualsearch.search.results import Prediction
from visualsearch.serving import current_state, loaded_versions

pytestmark = pytest.mark.django_db


def acting(**asked) -> set[str]:
    """Return the names of the rules that act on a search."""
    found = effects(**asked)
    return {each.rule.name for each in found.acting} if found else set()


def test_no_rules__cost_no_query(indexed):
    effects()
    with CaptureQueriesContext(connection) as asked:
        assert effects() is None
    assert len(asked) == 1  # the state of the index, which a search reads anyway


def test_unchanged_rules__cost_no_query(indexed):
    for n in range(20):
        rule("boost", filters=f"min_price={n}")
    assert effects().of("P7").boost
    with CaptureQueriesContext(connection) as asked:
        assert effects().of("P7").boost
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("condition", "asked"),
    [
        ({}, {}),
        ({"category": "Shirt"}, {"category": "shirt"}),
        ({"label": "shirt"}, {"label": "shirt"}),
        ({"category": "shirt", "label": "shirt"}, {"category": "shirt", "label": "shirt"}),
    ],
)
def test_rule__acts_if_all_its_conditions_hold(indexed, condition, asked):
    rule("hide", "P1", **condition)
    assert acting(**asked) == {"r"}
    for name in condition:
        assert not acting(**asked | {name: "hat"})
        assert not acting(**asked | {name: None})


def test_storefront__has_rules_of_its_own(indexed):
    app = Storefront(name="app")
    app.new_key()
    app.save()
    rule("hide", "P1", storefront=app)
    assert acting(storefront=app.pk)
    assert not acting()
    assert not acting(storefront=app.pk + 1)


def test_experiment__has_rules_for_its_treatment(indexed):
    test = Experiment.objects.create(name="x", version=rebuild())
    rule("hide", "P1", experiment=test)
    assert acting(experiment=test.pk, variant="treatment")
    assert not acting(experiment=test.pk, variant="control")
    assert not acting(experiment=test.pk + 1, variant="treatment")
    assert not acting()


def test_experiment__takes_its_rules_along(indexed):
    test = Experiment.objects.create(name="x", version=rebuild())
    rule("hide", "P1", experiment=test)
    effects()
    test.delete()
    assert not RankingRule.objects.exists()
    assert effects() is None


def test_period__begins_and_ends_without_a_change(indexed, monkeypatch):
    now = timezone.now()
    begins, ends = now + timedelta(hours=1), now + timedelta(hours=2)
    rule("hide", "P1", starts=begins, ends=ends)
    rule("hide", "P2", name="always")
    seen = []
    for moment in (now, begins, ends - timedelta(seconds=1), ends):
        monkeypatch.setattr(timezone, "now", lambda moment=moment: moment)
        seen.append(acting())
    assert seen == [{"always"}, {"always", "r"}, {"always", "r"}, {"always"}]


def test_change__counts_in_the_next_search(indexed):
    made = rule("hide", "P1")
    assert effects().of("P1").hidden
    made.keys = ["P2"]
    made.save()
    assert (effects().of("P1").hidden, effects().of("P2").hidden) == (False, True)
    made.active = False
    made.save()
    assert effects() is None
    made.active = True
    made.save()
    assert effects().of("P2").hidden
    RankingRule.objects.all().delete()
    assert effects() is None


def test_change__reads_only_new_products(indexed):
    rule("hide", filters="min_price=16")
    other = rule("bury", filters="max_price=11")
    effects()
    other.category = "shirt"
    other.save()
    with CaptureQueriesContext(connection) as asked:
        assert not effects().of("P0").buried
    assert len(asked) == 2  # the state, the rules
    other.filters = "max_price=12"
    other.save()
    with CaptureQueriesContext(connection) as asked:
        found = effects(category="shirt")
    assert len(asked) == 3
    assert [found.of(f"P{n}").buried for n in range(4)] == [True, True, True, False]
    assert found.of("P6").hidden


def test_catalog__has_rules_of_its_own(indexed, configure):
    source = "shop.visual.ProductCatalog"
    configure(CATALOGS={"red": source, "blue": source})
    from visualsearch.catalogs import using_catalog

    with using_catalog("blue"):
        made = rule("hide", "P1")
        assert made.catalog == "blue"
        rebuild()
        assert effects().of("P1").hidden
    with using_catalog("red"):
        rebuild()
        assert effects() is None
    with using_catalog("blue"):
        assert effects().of("P1").hidden


def test_products__are_read_again_once_too_old(indexed, configure):
    configure(RULES_REFRESH=30)
    stock_rule("hide")
    assert not effects().of("P1").hidden
    Product.objects.filter(sku="P1").update(stock=0)
    assert not effects().of("P1").hidden
    age(31)
    assert effects().of("P1").hidden


def age(seconds: float) -> None:
    """Let the products that this process knows be so many seconds old."""
    for name, loaded in rules._loaded.items():
        older = rules.replace(loaded.products, read=time.monotonic() - seconds)
        rules._loaded[name] = rules.replace(loaded, products=older)


@pytest.mark.django_db(transaction=True)
def test_products__are_read_in_a_thread_before_they_are_too_old(indexed, configure):
    configure(RULES_REFRESH=30)
    stock_rule("hide")
    effects()
    Product.objects.filter(sku="P1").update(stock=0)
    age(16)
    with CaptureQueriesContext(connection) as asked:
        assert not effects().of("P1").hidden  # the search does not wait
    assert len(asked) == 1
    for each in threading.enumerate():
        if each.name == "visualsearch-rules":
            each.join(20)
    with CaptureQueriesContext(connection) as asked:
        assert effects().of("P1").hidden
    assert len(asked) == 1


def test_reading__lets_other_searches_go_on_with_the_earlier_rules(indexed):
    made = rule("hide", "P1")
    effects()
    made.keys = ["P2"]
    made.save()
    with rules._lock:  # as a thread that reads them
        assert effects().of("P1").hidden
    assert effects().of("P2").hidden


def test_broken_filter__selects_nothing_and_stops_nothing_else(indexed, caplog):
    rule("hide", filters="min_price=cheap")
    rule("hide", filters="no_such_filter=1")
    rule("hide", "P2")
    found = effects()
    assert set(found.hidden_items()) == {"P2"}
    assert "min_price=cheap" in caplog.text


def test_revision__is_read_again_outside_a_search(indexed):
    effects()
    rule("hide", "P1")
    current_state._rules.set(None)
    asked = {"category": None, "label": None, "storefront": None, "experiment": None}
    assert rules.effects_for(**asked, variant="").of("P1").hidden


def test_class_in_photo__is_a_likely_one():
    assert rules.class_in_photo([]) is None
    assert rules.class_in_photo([Prediction(label="hat", probability=0.4)]) is None
    assert rules.class_in_photo([Prediction(label="hat", probability=0.5)]) == "hat"


def test_touched__names_the_items_of_each_rule(indexed):
    one, two = rule("boost", "P1", "P2"), rule("bury", "P2")
    hits = by_photo.search(open_photo(encoded(picture(1))), SearchRequest(limit=8)).hits
    assert rules.touched(hits) == {str(two.pk): ["P2"], str(one.pk): ["P1"]}
    assert Query.objects.get().rules == rules.touched(hits)
    assert rules.touched([hit for hit in hits if hit.item == "P0"]) is None


def test_search__under_rules(indexed):
    """The rules' actions, seen by a customer."""
    photo = open_photo(encoded(picture(1)))

    def found(**options):
        return [hit.item for hit in by_photo.search(photo, SearchRequest(limit=8, **options)).hits]

    before = found()
    assert before[0] == "P1"
    rule("hide", before[1])
    rule("bury", "P1")
    rule("pin", before[-1], before[-2])
    after = [key for key in before[1:] if key != before[1]]
    assert found() == [before[-1], before[-2], *after[:-2], "P1"]
    assert by_photo.search(photo, SearchRequest(limit=2)).count == 7
    paged = by_photo.search(photo, SearchRequest(limit=3))
    page = PageRequest(query_id=paged.query_id, limit=8, offset=3)
    assert [hit.item for hit in (*paged.hits, *later_pages.later_page(page).hits)] == found()
    query = Query.objects.get(pk=paged.query_id)
    assert {item for items in query.rules.values() for item in items} == {
        "P1",
        before[-1],
        before[-2],
    }
    similar = similar_items.find_similar(SimilarRequest(item="P0", limit=8))
    assert before[1] not in [hit.item for hit in similar.hits]


def test_search__what_is_not_alike_is_not_boosted(indexed, monkeypatch):
    photo = open_photo(encoded(picture(1)))
    last = [hit.item for hit in by_photo.search(photo, SearchRequest(limit=8)).hits][-1]
    rule("boost", last, strength=100)
    encoder = loaded_versions.current().encoder
    monkeypatch.setattr(encoder, "match_threshold", 0.9)
    assert by_photo.search(photo, SearchRequest(limit=8)).hits[-1].item == last
    monkeypatch.setattr(encoder, "match_threshold", -1.0)
    assert by_photo.search(photo, SearchRequest(limit=8)).hits[1].item == last


def test_warm_up__reads_the_rules(indexed):
    rule("boost", filters="min_price=12")
    rules.forget()
    by_photo.warm_up()
    with CaptureQueriesContext(connection) as asked:
        assert effects().of("P7").boost
    assert len(asked) == 1
