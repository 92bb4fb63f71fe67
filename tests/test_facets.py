"""Facets, orderings and automatic categories, through the API."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import override

from shop.models import Category, Product
from shop.visual import ProductCatalog, of_class, words_in
from tests.helpers.pictures import encoded, picture, plain
from tests.helpers.reindex import reindex
from visualsearch.class_names import NAMES, class_name
from visualsearch.facets import Choice, Ordering, Range
from visualsearch.reindex import embeddings

SEARCH = "/api/visual-search/search/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def indexed(sell):
    """Twelve products: six Reds, six others; three colours; prices 10 to 21."""
    for n in range(12):
        category = "Reds" if n < 6 else "Others"
        color = ["red", "Navy blue", "green"][n % 3]
        sell(f"P{n}", picture(n), category=category, color=color, price=f"{10 + n}.00")
    reindex()


def search(client, image=None, query=""):
    file = SimpleUploadedFile("photo.jpg", encoded(image or picture(3)))
    response = client.post(f"{SEARCH}?{query}", {"image": file})
    assert response.status_code == 200, response.content
    return response.json()


def query(client, body, params="", **headers):
    url = f"/api/visual-search/queries/{body['query_id']}/?{params}"
    return client.get(url, headers=headers)


def facet(body, name):
    return next(each for each in body["facets"] if each["name"] == name)


def counts(body, name):
    return {option["value"]: option["count"] for option in facet(body, name)["options"]}


def keys(body):
    return [result["product"]["key"] for result in body["results"]]


# --- facets -----------------------------------------------------------------------------------


def test_facets__only_when_asked_for(client, indexed):
    body = search(client)
    assert "facets" not in body
    assert "orderings" not in body
    assert "facets" not in query(client, body).json()


def test_facets__values_with_their_counts(client, indexed):
    body = query(client, search(client), "facets=1&limit=1").json()
    assert len(body["results"]) == 1
    assert facet(body, "color") == {
        "name": "color",
        "label": "Colour",
        "kind": "choice",
        "value": None,
        "options": [
            {"value": "green", "label": "Green", "count": 4},
            {"value": "Navy blue", "label": "Navy blue", "count": 4},
            {"value": "red", "label": "Red", "count": 4},
        ],
    }
    assert facet(body, "price") == {
        "name": "price",
        "label": "Price",
        "kind": "range",
        "min_param": "min_price",
        "max_param": "max_price",
        "min": 10.0,
        "max": 21.0,
        "value": [None, None],
    }


def test_facets__without_a_choice_are_left_out(client, indexed):
    body = query(client, search(client), "facets=1").json()
    assert {each["name"] for each in body["facets"]} == {"color", "price"}


def test_facets__count_under_the_other_filters_and_not_under_their_own(client, indexed):
    body = query(client, search(client), "facets=1&color=RED&max_price=15").json()
    assert counts(body, "color") == {"red": 2, "Navy blue": 2, "green": 2}
    assert facet(body, "color")["value"] == "red"
    assert (facet(body, "price")["min"], facet(body, "price")["max"]) == (10.0, 19.0)
    assert facet(body, "price")["value"] == [None, 15.0]


def test_facets__a_value_that_nothing_has_can_be_taken_back(client, indexed):
    body = query(client, search(client), "facets=1&color=pink").json()
    assert body["results"] == []
    assert facet(body, "color")["value"] == "pink"
    assert counts(body, "color")["pink"] == 0


def test_facets__leave_hidden_products_out(client, indexed):
    Product.objects.filter(sku="P0").update(published=False)
    assert counts(query(client, search(client), "facets=1").json(), "color")["red"] == 3


def test_facets__over_the_best_hundred(client, indexed, monkeypatch):
    monkeypatch.setattr("visualsearch.search.build_result.POOL", 3)
    body = search(client, query="limit=3")
    best = Product.objects.filter(sku__in=keys(body)).values_list("color", flat=True)
    counted = counts(query(client, body, "facets=1").json(), "color")
    assert sum(counted.values()) == 3
    assert set(counted) == set(best)


def test_facets__category_by_its_slug_is_shown_by_its_name(client, indexed, monkeypatch):
    shown = Choice(name="category", label="C", field="category__slug", shown="category__name")
    monkeypatch.setattr(ProductCatalog, "facets", [shown])
    body = query(client, search(client), "facets=1&category=reds").json()
    assert facet(body, "category")["value"] == "reds"
    assert facet(body, "category")["options"][0] == {
        "value": "others",
        "label": "Others",
        "count": 6,
    }


def test_facets__none_of_a_shop_that_declares_none(client, indexed, monkeypatch):
    monkeypatch.setattr(ProductCatalog, "facets", ())
    monkeypatch.setattr(ProductCatalog, "orderings", ())
    body = query(client, search(client), "facets=1").json()
    assert body["facets"] == body["orderings"] == []


def test_facets__a_bad_value_is_refused(client, indexed):
    response = query(client, search(client), "facets=1&max_price=cheap")
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == "max_price"


def test_facets__in_french(client, indexed):
    body = query(client, search(client), "facets=1", **{"accept-language": "fr"}).json()
    assert facet(body, "color")["label"] == "Couleur"
    assert body["orderings"][0]["label"] == "Les plus ressemblants"


def test_range__of_no_items_at_all(db):
    described = Range(name="price", label="P").describe(Product.objects.none(), {"max_price": "3"})
    assert (described["min"], described["max"], described["value"]) == (None, None, [None, 3.0])


# --- orderings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [("price", list(range(12))), ("-price", list(reversed(range(12))))],
)
def test_ordering__pages_fit_together(client, indexed, ordering, expected):
    body = search(client)
    seen, link = [], f"/api/visual-search/queries/{body['query_id']}/?limit=5&ordering={ordering}"
    while link:
        page = client.get(link).json()
        seen += keys(page)
        link = page["next"]
    assert seen == [f"P{n}" for n in expected]


def test_ordering__stays_among_the_best(client, indexed, monkeypatch):
    monkeypatch.setattr("visualsearch.search.build_result.POOL", 4)
    body = search(client, query="limit=4")
    page = query(client, body, "ordering=price&limit=10").json()
    assert page["count"] == 4
    assert page["next"] is None
    assert keys(page) == sorted(keys(body), key=lambda key: int(key[1:]))


def test_ordering__keeps_the_filters_and_whether_it_matched(client, indexed):
    body = search(client)
    page = query(client, body, "ordering=-price&color=green").json()
    assert keys(page) == ["P11", "P8", "P5", "P2"]
    assert query(client, body, "ordering=-price").json()["matched"] is True


def test_ordering__of_equals_is_the_same_each_time(client, indexed, monkeypatch):
    same = Ordering(value="shop", label="S", fields=("category",))
    monkeypatch.setattr(ProductCatalog, "orderings", [same])
    pages = [query(client, search(client), "ordering=shop").json() for _ in range(2)]
    assert keys(pages[0]) == keys(pages[1])


def test_ordering__unknown(client, indexed):
    response = query(client, search(client), "ordering=cheapest")
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == "ordering"
    assert "price" in response.json()["errors"][0]["detail"]


# --- the photo's class --------------------------------------------------------------------------


@pytest.fixture
def classes(indexed, sell, monkeypatch):
    """Map the fake encoder's colour classes to categories; the shop sells one of them."""
    sell("RED", plain("red"), category="Reds", color="red", price="5.00")
    embeddings.refresh_items(["RED"])
    monkeypatch.setattr("shop.visual.WORDS", {"red": {"red"}, "blue": {"teal"}})


def test_auto__narrows_down_where_it_is_sure(client, indexed, classes):
    body = search(client, plain("red"), "category=auto")
    assert body["category"] == {"value": "red", "label": "Red"}
    assert sorted(keys(body)) == [*(f"P{n}" for n in range(6)), "RED"]
    assert body["count"] == 7


def test_auto__not_where_it_is_not_sure(client, indexed, classes):
    body = search(client, plain("#806060"), "category=auto")
    assert body["predictions"][0]["label"] == "red"
    assert body["category"] is None
    assert body["count"] == 13


def test_auto__not_where_the_shop_has_no_such_category(client, indexed, classes):
    body = search(client, plain("blue"), "category=auto")
    assert body["predictions"][0]["label"] == "blue"
    assert body["category"] is None
    assert body["count"] == 13


def test_auto__not_where_it_would_leave_nothing(client, indexed, classes):
    body = search(client, plain("red"), "category=auto&min_price=18")
    assert body["category"] is None
    assert sorted(keys(body)) == ["P10", "P11", "P8", "P9"]


def test_auto__not_where_it_would_hide_what_was_photographed(client, indexed, sell, classes):
    """The class is right, but the shop has put this product into another category."""
    photographed = plain("#e01010")
    sell("THIS", photographed, category="Others")
    embeddings.refresh_items(["THIS"])
    body = search(client, photographed, "category=auto")
    assert body["predictions"][0]["probability"] > 0.99
    assert keys(body)[:2] == ["THIS", "RED"]
    assert body["category"] is None
    assert keys(query(client, body, "category=red").json())[0] == "RED"


def test_auto__goes_on_in_later_pages_and_in_facets(client, indexed, classes):
    body = search(client, plain("red"), "category=auto&limit=4")
    second = client.get(body["next"]).json()
    assert len({*keys(body), *keys(second)}) == 7
    assert second["category"]["value"] == "red"
    faceted = query(client, body, "facets=1&category=auto").json()
    assert sum(counts(faceted, "color").values()) == 7


def test_category__by_the_class_of_the_photo_or_the_shop_s_own(client, indexed, classes):
    body = search(client, plain("red"))
    assert body["category"] is None
    by_class = query(client, body, "category=red").json()
    by_slug = query(client, body, "category=reds").json()
    assert keys(by_class) == keys(by_slug)
    assert by_slug["category"] == {"value": "reds", "label": "Reds"}


def test_predictions__say_which_are_offered(client, indexed, classes):
    body = search(client, plain("red"), "category=auto")
    offered = {each["label"]: each["offered"] for each in body["predictions"]}
    assert offered == {"red": True, "green": False, "blue": False}


def test_predictions__offer_no_category_without_anything_to_buy(client, indexed, classes):
    Product.objects.filter(category__slug="reds").update(published=False)
    body = search(client, plain("red"), "category=auto")
    assert not any(each["offered"] for each in body["predictions"])


def test_predictions__a_plain_search_asks_the_shop_nothing(client, indexed, classes):
    body = search(client, plain("red"))
    assert set(body["predictions"][0]) == {"label", "probability", "name"}


@pytest.mark.parametrize(("language", "name"), [("en", "Trousers"), ("fr", "Pantalon")])
def test_class_name__in_each_language(language, name):
    with override(language):
        assert class_name("pants") == name
        assert class_name("dining_chair") == "Dining chair"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Dresses", "dress"), ("Hats", "hat"), ("Long sleeves", "longsleeve"),
        ("Outerwear", "outwear"), ("Trousers", "pants"), ("Shirts", "shirt"), ("Shoes", "shoes"),
        ("Shorts", "shorts"), ("Skirts", "skirt"), ("T-shirts", "t-shirt"), ("Tees", "t-shirt"),
        ("Hoodies & Sweatshirts", "hoodie longsleeve"), ("Jackets", "outwear"), ("Pants", "pants"),
        ("Bags", "bag"), ("Blazers", "blazer"), ("Polos", "polo"), ("Undershirts", "undershirt"),
    ],
)  # fmt: skip
def test_shop__categories_of_each_class(name, label):
    category = Category.objects.create(name=name)
    found = [each for each in NAMES if of_class(each, [(category.pk, "", name)]) == [category.pk]]
    assert found == label.split()


@pytest.mark.parametrize("name", ["Watches", "Fitness Equipment", "Étagères", ""])
def test_shop__categories_of_no_class(name):
    assert not any(words_in(name) & {label} for label in NAMES)


# --- a part of the photo --------------------------------------------------------------------------


def test_crop__reaches_the_search_and_the_next_page(client, indexed, configure):
    configure(ENCODER_OPTIONS={"cells": True}, FIND_SUBJECT=False)
    wall = plain("grey", (480, 480))
    wall.paste(picture(3).resize((240, 240)), (240, 0))
    wall.paste(picture(6).resize((240, 240)), (0, 240))
    body = search(client, wall)
    right = query(client, body, "crop=0.5,0,0.5,0.5&limit=5").json()
    left = query(client, body, "crop=0,0.5,0.5,0.5&limit=5").json()
    assert (keys(right)[0], keys(left)[0]) == ("P3", "P6")
    second = client.get(left["next"]).json()
    assert not set(keys(left)) & set(keys(second))
    assert second["predictions"] == left["predictions"]


def test_crop__that_is_none(client, indexed):
    response = query(client, search(client), "crop=0,0,2,1")
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == "crop"
