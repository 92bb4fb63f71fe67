"""The basket of the sample shop, and what search by photo learns of it."""

import pytest
from django.utils.translation import override

from shop.models import Product
from shop.names import NAMES, shown_name
from tests.api.test_search import upload
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.models import Event, Query

pytestmark = pytest.mark.django_db


@pytest.fixture
def found(client, sold):
    """A search that shows all products, with `P3` first."""
    reindex()
    return upload(client, encoded(picture(3))).json()


def product(sku):
    return Product.objects.get(sku=sku)


def add(client, sku, query=""):
    return client.post(f"/basket/add/{product(sku).pk}/", {"query": query}, follow=True)


def kinds():
    return sorted(Event.objects.values_list("kind", "item"))


def test_basket__empty(client):
    assert "Your basket is empty" in client.get("/basket/").content.decode()


def test_basket__adds_sums_and_removes(client, sold):
    price = product("P3").price
    add(client, "P3")
    page = add(client, "P3")
    assert [(line.product.sku, line.quantity) for line in page.context["lines"]] == [("P3", 2)]
    assert page.context["total"] == 2 * price
    assert 'basket__count">2<' in page.content.decode()
    page = client.post(f"/basket/remove/{product('P3').pk}/", follow=True)
    assert page.context["lines"] == []


def test_basket__of_another_visitor(client, sold):
    add(client, "P3")
    assert type(client)().get("/basket/").context["lines"] == []


def test_basket__sold_out_or_hidden(client, sold):
    Product.objects.filter(sku="P1").update(stock=0)
    assert add(client, "P1").context["lines"] == []
    add(client, "P2")
    Product.objects.filter(sku="P2").update(published=False)
    assert client.get("/basket/").context["lines"] == []
    assert client.post(f"/basket/add/{product('P2').pk}/").status_code == 404


def test_basket__changes_need_a_post(client, sold):
    for path in (f"add/{product('P3').pk}", f"remove/{product('P3').pk}", "buy"):
        assert client.get(f"/basket/{path}/").status_code == 405


def test_basket_and_purchase__are_counted(client, found):
    query = found["query_id"]
    results = f"http://testserver/search/photo/?photo={query}"
    page = client.get(product("P3").get_absolute_url(), headers={"referer": results})
    assert f'name="query" value="{query}"' in page.content.decode()
    add(client, "P3", query)
    assert kinds() == [("basket", "P3")]
    order = client.post("/basket/buy/")
    assert "demo order" in order.content.decode()
    assert kinds() == [("basket", "P3"), ("purchase", "P3")]
    assert client.get("/basket/").context["lines"] == []
    assert client.post("/basket/buy/").status_code == 302


def test_events__only_for_products_that_a_search_found(client, found):
    add(client, "P3")
    client.post("/basket/buy/")
    Query.objects.all().delete()
    add(client, "P2", found["query_id"])
    add(client, "P1", "nonsense")
    assert len(client.get("/basket/").context["lines"]) == 2
    assert kinds() == []


@pytest.mark.parametrize("referer", ["", "http://elsewhere.example/?photo=x", "http://testserver/"])
def test_product__without_a_search_behind_it(client, sold, referer):
    page = client.get(product("P3").get_absolute_url(), headers={"referer": referer})
    assert 'name="query" value=""' in page.content.decode()


def test_names__french(client, sell):
    sell("D", picture(1), category="Dresses", color="navy")
    html = client.get(product("D").get_absolute_url(), headers={"accept-language": "fr"})
    assert "Robes" in html.content.decode()
    assert "Bleu marine" in html.content.decode()


@pytest.mark.parametrize("name", sorted(NAMES.keys() - {"beige", "orange", "turquoise", "denim"}))
def test_names__each_is_translated_or_the_same_word(name):
    with override("fr"):
        french = shown_name(name)
    same = {"Shorts", "T-shirts", "satin", "tulle"}
    assert (french == name) == (name in same)
    assert shown_name("Something else") == "Something else"
