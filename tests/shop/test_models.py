import re

from shop.models import Category, Product
from shop.visual import ProductCatalog


def test_category_save__makes_a_slug(db):
    assert Category.objects.create(name="Jeux d'été").slug == "jeux-dété"


def test_category_save__keeps_a_given_slug(db):
    assert Category.objects.create(name="Shoes", slug="footwear").slug == "footwear"


def test_product_address__has_the_key_and_the_name(make_product):
    product = make_product(name="Été Shoe — red")
    assert product.get_absolute_url() == f"/product/{product.pk}/ete-shoe-red/"


def test_product_address__name_without_a_latin_letter(make_product):
    assert make_product(name="靴").get_absolute_url().endswith("/product/")


def test_main_image__is_the_first_by_position(make_product):
    product = make_product(colors=("red", "green"))
    first, second = product.images.all()
    first.position = 9
    first.save()
    assert product.main_image == second


def test_main_image__none_without_pictures(make_product):
    assert make_product(colors=()).main_image is None


def test_published__leaves_out_hidden_ones(make_product):
    shown = make_product("A")
    make_product("B", published=False)
    assert list(Product.objects.published()) == [shown]


def test_in_stock__not_counted_is_available(make_product):
    assert make_product("A", stock=None).in_stock
    assert make_product("B", stock=1).in_stock
    assert not make_product("C", stock=0).in_stock


def test_for_cards__queries_do_not_grow(make_product, django_assert_num_queries):
    for n in range(5):
        make_product(f"P{n}", category=f"C{n}")
    with django_assert_num_queries(2):
        for product in Product.objects.for_cards():
            assert product.category.name
            assert product.main_image


def test_newest__read_by_an_index(make_product):
    make_product()
    plan = ProductCatalog().suggested()[:3].explain()
    assert "SCAN shop_product USING INDEX newest" in plan
    # Only the pictures of each product are sorted.
    assert not re.search("^[0-9]+ 0 0 USE TEMP B-TREE", plan, re.M)
