import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models.signals import post_save

from shop.models import Category, Product

from .conftest import png

PRODUCTS = "/admin/shop/product/"


@pytest.fixture
def saved():
    keys = []

    def remember(sender, instance, **kwargs):
        keys.append(instance.sku)

    post_save.connect(remember, sender=Product)
    yield keys
    post_save.disconnect(remember, sender=Product)


def run_action(client, name, products):
    data = {"action": name, "_selected_action": [product.pk for product in products]}
    return client.post(PRODUCTS, data, follow=True)


def test_products__listed_with_thumbnails(admin_client, make_product):
    product = make_product()
    html = admin_client.get(PRODUCTS).content.decode()
    assert product.main_image.image.url in html


def test_products__queries_do_not_grow(admin_client, make_product, django_assert_max_num_queries):
    for n in range(20):
        make_product(f"P{n}", category=f"C{n}")
    with django_assert_max_num_queries(14):
        admin_client.get(PRODUCTS)


@pytest.mark.parametrize("words", ["A-1", "Joust", "STYLE9"])
def test_products__searched(admin_client, make_product, words):
    make_product("A-1", name="Joust", style="STYLE9")
    make_product("B")
    html = admin_client.get(PRODUCTS, {"q": words}).content.decode()
    assert "1 product" in html


def test_hide__saves_each_one_that_was_shown(admin_client, make_product, saved):
    products = [make_product("A"), make_product("B"), make_product("C", published=False)]
    saved.clear()
    response = run_action(admin_client, "hide", products)
    assert not Product.objects.published().exists()
    assert sorted(saved) == ["A", "B"]
    assert "2 products changed." in response.content.decode()


def test_publish__saves_each_one_that_was_hidden(admin_client, make_product, saved):
    products = [make_product("A"), make_product("B", published=False)]
    saved.clear()
    run_action(admin_client, "publish", products)
    assert Product.objects.published().count() == 2
    assert saved == ["B"]


def test_hide__needs_the_permission_to_change(client, make_product, django_user_model):
    viewer = django_user_model.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_product"))
    client.force_login(viewer)
    run_action(client, "hide", [make_product()])
    assert Product.objects.published().exists()


def test_product__added_with_a_picture(admin_client, db):
    category = Category.objects.create(name="Shoes")
    data = {
        "sku": "N1",
        "name": "New",
        "category": category.pk,
        "price": "10",
        "published": "on",
        "images-TOTAL_FORMS": "1",
        "images-INITIAL_FORMS": "0",
        "images-0-position": "0",
        "images-0-image": SimpleUploadedFile("a.png", png("red"), "image/png"),
    }
    response = admin_client.post(f"{PRODUCTS}add/", data)
    assert response.status_code == 302, response.context["errors"]
    product = Product.objects.get()
    html = admin_client.get(f"{PRODUCTS}{product.pk}/change/").content.decode()
    assert f'<img src="{product.main_image.image.url}"' in html


def test_categories__listed_with_their_size(admin_client, make_product):
    make_product("A", category="Bags")
    make_product("B", category="Bags")
    html = admin_client.get("/admin/shop/category/").content.decode()
    assert '<td class="field-product_count">2</td>' in html
