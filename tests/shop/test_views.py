from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import DataError, InterfaceError, OperationalError, connection
from django.utils import timezone
from django.utils.html import escape
from django.utils.translation import override

from shop.models import Product
from shop.prices import format_price
from visualsearch.exceptions import VisualSearchError


@pytest.fixture(autouse=True)
def similar(monkeypatch):
    """The fake result of the search for similar products; set ``hits`` or ``error``."""
    answer = SimpleNamespace(hits=[], error=None, asked=[])

    def ask(request):
        answer.asked.append((request.item, request.limit))
        if answer.error:
            raise answer.error
        return answer

    monkeypatch.setattr("visualsearch.search_queue.dispatch.similar", ask)
    return answer


def names(response) -> list[str]:
    return [product.name for product in response.context["products"]]


# --- home -------------------------------------------------------------------------------------


def test_home__empty_shop(client, db):
    assert "The shop has no products yet" in client.get("/").content.decode()


def test_home__offers_the_search_by_photo(client, db):
    html = client.get("/").content.decode()
    assert 'action="/search/photo/"' in html
    assert 'enctype="multipart/form-data"' in html
    assert 'type="file" name="image"' in html
    assert 'name="csrfmiddlewaretoken"' in html
    assert 'href="/search/photo/"' in html


def test_home__newest_first(client, make_product):
    for n in range(10):
        product = make_product(f"P{n}")
        Product.objects.filter(pk=product.pk).update(created=timezone.now() - timedelta(days=n))
    assert names(client.get("/")) == [f"Product P{n}" for n in range(8)]


def test_home__a_tile_per_category_with_a_picture(client, make_product):
    make_product("A", category="Bags")
    newest = make_product("B", category="Bags")
    make_product("C", category="Hidden", published=False)
    make_product("D", category="Pictureless", colors=())
    tiles = client.get("/").context["tiles"]
    assert [(category.name, product) for category, product in tiles] == [("Bags", newest)]


def test_home__at_most_twelve_tiles_and_they_are_the_largest(client, make_product):
    for n in range(14):
        make_product(f"P{n}", category=f"C{n:02}")
    make_product("more", category="C13", colors=("red", "blue"))
    tiles = [category.name for category, _ in client.get("/").context["tiles"]]
    assert tiles == [*(f"C{n:02}" for n in range(11)), "C13"]


def test_home__queries_do_not_grow(client, make_product, django_assert_max_num_queries):
    for n in range(8):
        make_product(f"P{n}", category=f"C{n}")
    with django_assert_max_num_queries(8):
        client.get("/")


def test_navigation__only_categories_with_something_to_buy(client, make_product):
    make_product("A", category="Bags")
    make_product("B", category="Secrets", published=False)
    html = client.get("/").content.decode()
    assert "Bags" in html
    assert "Secrets" not in html


# --- text search ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("joust", ["Joust Bag"]),
        ("BAGS", ["Joust Bag"]),
        ("green", ["Green Tee", "Joust Bag"]),
        ("green joust", ["Joust Bag"]),
        ("purple", []),
        ("%", []),
    ],
)
def test_text_search__by_name_category_and_colour(client, make_product, words, found):
    make_product("A", name="Joust Bag", category="Bags", color="green")
    make_product("B", name="Green Tee", category="Tees", color="red")
    make_product("C", name="Green Joust Ghost", category="Bags", published=False)
    response = client.get("/", {"q": words})
    assert names(response) == found


def test_text_search__nothing_found_points_to_the_photo(client, db):
    html = client.get("/", {"q": "zzz"}).content.decode()
    assert "No products found" in html


def test_text_search__without_what_no_database_takes(client, db):
    assert client.get("/", {"q": "a\x00b"}).context["words"] == "ab"


@pytest.mark.parametrize("words", ["\x00", "a" * 5000, "<script>alert(1)</script>", "'\""])
def test_text_search__odd_words(client, db, words):
    response = client.get("/", {"q": words})
    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


def test_text_search__pages_keep_the_words(client, make_product):
    for n in range(25):
        make_product(f"P{n}", colors=())
    html = client.get("/", {"q": "product"}).content.decode()
    assert f'href="{escape("?q=product&page=2")}"' in html


# --- category ---------------------------------------------------------------------------------


def test_category__pages(client, make_product):
    for n in range(30):
        make_product(f"P{n:02}", colors=())
    first = client.get("/category/shoes/")
    second = client.get("/category/shoes/", {"page": 2})
    assert len(names(first)) == 24
    assert len(names(second)) == 6
    assert not set(names(first)) & set(names(second))


def test_category__hides_what_is_not_published(client, make_product):
    make_product("A")
    make_product("B", published=False)
    assert names(client.get("/category/shoes/")) == ["Product A"]


def test_category__name_beyond_ascii(client, make_product):
    product = make_product(category="Été & Mer")
    assert client.get(product.category.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("address", ["/category/none/", "/category/shoes/?page=2"])
def test_category__not_found(client, make_product, address):
    make_product()
    assert client.get(address).status_code == 404


# --- product ----------------------------------------------------------------------------------


def test_product__shows_what_it_is(client, make_product):
    product = make_product(
        name="Joust & Co", colors=("red", "blue"), color="green", material="Wool", price="1234.5"
    )
    html = client.get(product.get_absolute_url()).content.decode()
    for text in ("Joust &amp; Co", "Green", "Wool", "€1,234.50", "In stock"):
        assert text in html
    for image in product.images.all():
        assert image.image.url in html


@pytest.mark.parametrize(
    ("stock", "text"), [(0, "Sold out"), (1, "Only 1 left"), (4, "In stock"), (None, "In stock")]
)
def test_product__stock(client, make_product, stock, text):
    html = client.get(make_product(stock=stock).get_absolute_url()).content.decode()
    assert text in html


def test_product__without_picture_or_price(client, make_product):
    html = client.get(make_product(colors=(), price=0).get_absolute_url()).content.decode()
    assert "Price on request" in html


def test_product__other_slug_leads_to_its_address(client, make_product):
    product = make_product(name="New name")
    response = client.get(f"/product/{product.pk}/old-name/")
    assert response.status_code == 301
    assert response["Location"] == product.get_absolute_url()


def test_product__hidden_is_not_found(client, make_product):
    assert client.get(make_product(published=False).get_absolute_url()).status_code == 404


def test_product__other_colours_of_its_style(client, make_product):
    product = make_product("A", style="X")
    other = make_product("B", style="X", color="blue")
    make_product("C", style="X", published=False)
    make_product("D", style="Y")
    response = client.get(product.get_absolute_url())
    assert list(response.context["other_colors"]) == [other]


def test_product__without_style_has_no_other_colours(client, make_product):
    make_product("B")
    html = client.get(make_product("A").get_absolute_url()).content.decode()
    assert "Other colours" not in html


def test_product__similar_ones(client, make_product, similar):
    product = make_product("A/1")
    card = {"key": "B", "name": "Twin <3", "url": "/twin/", "image": "/t.jpg", "price": "9.5"}
    similar.hits = [SimpleNamespace(card={**card, "category": "Bags", "color": "red"}, score=0.87)]
    html = client.get(product.get_absolute_url()).content.decode()
    assert similar.asked == [("A/1", 4)]
    for text in ("Similar products", "Twin &lt;3", "/twin/", "/t.jpg", "€9.50", "Red · Bags"):
        assert text in html
    for text in ("0.87", "87%", "87 %", "87&nbsp;%"):
        assert text not in html


def test_product__without_the_search_the_section_is_left_out(client, make_product, similar):
    similar.error = VisualSearchError()
    response = client.get(make_product().get_absolute_url())
    assert response.status_code == 200
    assert "Similar products" not in response.content.decode()


# --- every page -------------------------------------------------------------------------------


def test_not_found__is_a_page_of_the_shop(client, db):
    response = client.get("/nowhere/")
    assert response.status_code == 404
    html = response.content.decode()
    assert "We cannot find this page" in html
    assert "Maison Lumen" in html


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [(OperationalError, 503, "5"), (InterfaceError, 503, "5"), (DataError, 500, None)],
)
def test_server_error__while_the_database_is_away(client, db, error, status, retry_after):
    client.raise_request_exception = False

    def fail(*args):
        raise error("the database does not answer")

    with connection.execute_wrapper(fail):
        response = client.get("/")
    assert (response.status_code, response.headers.get("Retry-After")) == (status, retry_after)
    assert "Please try again in a moment" in response.content.decode()


def test_language__of_the_browser(client, db):
    html = client.get("/", headers={"accept-language": "fr-FR,fr"}).content.decode()
    assert '<html lang="fr">' in html
    assert "Trouvez-le ici" in html


def test_language__is_chosen_and_kept(client, db):
    response = client.post("/i18n/setlang/", {"language": "fr", "next": "/?q=zzz"})
    assert response["Location"] == "/?q=zzz"
    assert "Aucun produit trouvé" in client.get("/?q=zzz").content.decode()


@pytest.mark.parametrize(("language", "text"), [("en", "€1,234.50"), ("fr", "1\xa0234,50\xa0€")])
def test_price__in_each_language(language, text):
    with override(language):
        assert format_price("1234.5") == text


# --- sorting ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["A", "B", "C"]),
        ("price", ["B", "C", "A"]),
        ("-price", ["A", "C", "B"]),
        ("newest", ["C", "B", "A"]),
        ("odd", ["A", "B", "C"]),
    ],
)
def test_sorting__of_a_category_and_of_a_search(client, make_product, sort, expected):
    for name, price in (("A", 30), ("B", 10), ("C", 20)):
        make_product(name, name=name, price=price)
    assert names(client.get("/category/shoes/", {"sort": sort})) == expected
    assert names(client.get("/", {"q": "shoes", "sort": sort})) == expected


def test_sorting__goes_back_to_the_first_page_and_keeps_the_words(client, make_product):
    for n in range(25):
        make_product(f"P{n}", colors=())
    html = client.get("/", {"q": "product", "page": 2}).content.decode()
    assert f'href="/{escape("?q=product&sort=price")}"' in html
    sorted_ = client.get("/", {"q": "product", "sort": "price"}).content.decode()
    assert f'href="{escape("?q=product&sort=price&page=2")}"' in sorted_
    assert sorted_.count('aria-current="true">Price, low to high') == 1


# --- around the search by photo -----------------------------------------------------------------


def test_text_search__nothing_found_shows_what_is_new(client, make_product):
    make_product("A")
    response = client.get("/", {"q": "zzz"})
    assert [product.sku for product in response.context["newest"]] == ["A"]
    assert "Just arrived" in response.content.decode()


def test_header__has_the_search_by_photo_on_every_page(client, make_product):
    product = make_product()
    for address in ("/", "/category/shoes/", "/?q=x", product.get_absolute_url(), "/nowhere/"):
        html = client.get(address).content.decode()
        box = html.split('class="searchbox"')[1].split("</form>")[0]
        assert "<visual-search" in box
        assert " compact" in box
        assert 'results-url="/search/photo/"' in box
        assert html.count("<script") == 1


def test_find_similar__on_each_picture(client, make_product):
    product = make_product(name="Tee <1>", colors=("red", "blue"))
    html = client.get(product.get_absolute_url()).content.decode()
    for picture in product.images.all():
        assert f'data-find-similar="{picture.image.url}"' in html
    assert "Find products similar to Tee &lt;1&gt;" in html


def test_find_similar__not_without_a_picture(client, make_product):
    make_product(colors=())
    assert "data-find-similar" not in client.get("/category/shoes/").content.decode()


def test_gallery__a_button_for_each_picture(client, make_product):
    html = client.get(make_product(colors=("red", "blue", "green")).get_absolute_url()).content
    assert html.count(b'type="radio" name="picture"') == 3
    assert html.count(b" checked") == 1


def test_gallery__one_picture_needs_no_buttons(client, make_product):
    html = client.get(make_product().get_absolute_url()).content.decode()
    assert 'type="radio"' not in html


def test_gallery__at_most_as_many_as_can_be_switched(client, make_product):
    colors = tuple(f"#0000{n:02}" for n in range(15))
    html = client.get(make_product(colors=colors).get_absolute_url()).content
    assert html.count(b'type="radio"') == 12
