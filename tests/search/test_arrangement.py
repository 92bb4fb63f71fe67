"""Words and rules change the order of the best items, and pages still join."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop.models import Product
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.photos.decode import open_photo
from visualsearch.search import arrangement, build_result, by_photo, later_pages
from visualsearch.search.arrangement import lifted
from visualsearch.search.requests import PageRequest, SearchRequest
from visualsearch.search.rules import Effect

pytestmark = pytest.mark.django_db

COLOURS = ("red", "navy", "green")


@pytest.fixture
def styles(sell, monkeypatch):
    """24 products of eight styles in three colours; some pictures are the same, some are hidden."""
    for n in range(24):
        sell(
            f"P{n:02}",
            picture(n // 2),
            name=f"{'Hooded' if n % 4 == 0 else 'Plain'} thing",
            style=f"S{n % 8}" if n % 5 else "",
            color=COLOURS[n // 8],
        )
    reindex()
    Product.objects.filter(sku__in=["P03", "P12"]).update(published=False)  # still indexed
    monkeypatch.setattr(arrangement, "POOL", 6)
    monkeypatch.setattr("visualsearch.search.ranking.POOL", 6)


def search(number=0, **options):
    request = SearchRequest(**{"limit": 100, **options})
    return by_photo.search(open_photo(encoded(picture(number))), request)


def keys(result):
    return [hit.item for hit in result.hits]


def test_words__described_products_first(styles):
    before, after = (keys(search(collapse=False, words=words)) for words in ("", "hooded"))
    assert sorted(before) == sorted(after)
    hooded = [f"P{n:02}" for n in range(0, 24, 4) if n != 12]
    assert after[: len(hooded)] == sorted(hooded, key=before.index)


def test_words__that_describe_nothing_change_nothing(styles):
    assert keys(search(words="qwertz")) == keys(search())


def test_words__filter(styles):
    result = search(words="hooded navy", words_mode="filter", collapse=False)
    assert sorted(keys(result)) == ["P08"]
    assert result.count == 1
    # A colour that no text names is searched for in the photo, so it excludes nothing.
    assert len(keys(search(words="hooded pink", words_mode="filter", collapse=False))) == 5


@pytest.mark.parametrize("words", ["qwertz", "hooded qwertz"])
def test_words__filter_by_a_word_that_describes_nothing(styles, words):
    result = search(words=words, words_mode="filter", with_facets=True)
    assert (result.hits, result.count, result.matched) == ([], 0, False)


def test_words__another_colour_of_the_style(styles):
    """The photo shows P02, of the style S2 in red; S2 in green looks quite different."""
    assert keys(search(1, collapse=False)).index("P18") > 2
    found = keys(search(1, words="the same in green", collapse=False))
    assert found[0] == "P18"


def test_words__with_filters_and_facets(styles):
    result = search(words="hooded", filters={"color": "navy"}, collapse=False, with_facets=True)
    assert keys(result)[0] == "P08"
    assert {hit.card["color"] for hit in result.hits} == {"navy"}


def test_reasons__say_why(styles):
    hit = search(words="hooded red", collapse=False).hits[0]
    assert [(each.kind, each.number) for each in hit.reasons] == [("alike", 1), ("words", 2)]
    assert search().hits[0].reasons == []


def test_lifted__items_of_a_group_stand_together():
    group = {"b": "one", "d": "one", "c": "two", "f": "two"}
    assert lifted(["a", "b", "c", "d", "e", "f"], group) == ["a", "b", "d", "c", "f", "e"]


class SomeRules:
    """Effects of rules as the search sees them."""

    def __init__(self, pins, effects):
        self.pins, self.effects = pins, effects

    def of(self, item):
        return self.effects.get(item, Effect())

    def hidden_items(self):
        return {item for item, each in self.effects.items() if each.hidden}


skus = st.integers(0, 23).map("P{:02}".format)
effects = st.builds(
    Effect,
    boost=st.sampled_from([0.0, 0.05, 0.3]),
    buried=st.booleans(),
    hidden=st.booleans(),
    rules=st.just((1,)),
)
rules = st.none() | st.builds(
    SomeRules, st.lists(skus, max_size=3), st.dictionaries(skus, effects, max_size=8)
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    limit=st.integers(1, 9),
    words=st.sampled_from(["", "hooded", "navy", "plain green hooded", "qwertz"]),
    mode=st.sampled_from(["rank", "filter"]),
    collapse=st.booleans(),
    color=st.sampled_from(["", "red"]),
    rules=rules,
)
def test_pages__join(styles, limit, words, mode, collapse, color, rules):
    """Pages joined are one long page; no product or group comes twice, and none is missing."""
    options = {
        "words": words,
        "words_mode": mode,
        "collapse": collapse,
        "filters": {"color": color} if color else {},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_result, "effects_for", lambda **context: rules)
        whole = search(**options)
        joined = list(whole.hits[:limit])
        for offset in range(limit, 25, limit):
            page = PageRequest(query_id=whole.query_id, limit=limit, offset=offset, **options)
            joined += later_pages.later_page(page).hits
    assert [hit.item for hit in joined] == keys(whole)
    assert len(set(keys(whole))) == len(whole.hits)

    hidden = rules.hidden_items() if rules else set()
    rows = Product.objects.published().exclude(sku__in=hidden)
    if color:
        rows = rows.filter(color=color)
    if mode == "filter" and words == "navy":
        rows = rows.filter(color="navy")
    expected = {(row.style or row.sku) if collapse else row.sku for row in rows}
    if mode == "filter" and words == "qwertz":
        assert whole.hits == []
    elif mode == "rank" or words in ("", "navy"):
        style = dict(Product.objects.values_list("sku", "style"))
        assert {(style[key] or key) if collapse else key for key in keys(whole)} == expected
    passing = set(rows.values_list("sku", flat=True))
    pinned = [key for key in dict.fromkeys(rules.pins if rules else []) if key in passing]
    if mode == "rank" and pinned:
        assert keys(whole)[0] == pinned[0]


def test_words__are_understood_once_for_facets_and_objects(styles, monkeypatch):
    understood = []
    original = build_result.wanted_by
    monkeypatch.setattr(
        build_result, "wanted_by", lambda *args: understood.append(args) or original(*args)
    )
    search(words="hooded", with_facets=True, per_object=True)
    assert len(understood) == 1
