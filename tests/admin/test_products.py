from django.contrib import admin
from django.urls import reverse

from shop.admin import ProductAdmin
from shop.models import Product
from tests.helpers.pictures import picture
from tests.helpers.reindex import reindex
from visualsearch.admin import SearchableAdmin
from visualsearch.models import Run

from .conftest import messages_of

LIST = reverse("admin:shop_product_changelist")


def page_of(client, product):
    url = reverse("admin:shop_product_change", args=[product.pk])
    return client.get(url).content.decode()


def test_panel__state_of_each_picture(admin_client, sold, broken):
    broken(sold[0])
    reindex()
    page = page_of(admin_client, sold[0])
    assert page.count(">indexed<") == 1
    assert page.count(">failed<") == 1
    assert "not an image in a supported format" in page
    assert reverse("admin:visualsearch_similar") + "?item=P0" in page


def test_panel__before_the_first_run(admin_client, sold):
    assert ">not indexed yet<" in page_of(admin_client, sold[0])


def test_panel__of_a_hidden_product(admin_client, sold):
    reindex()
    Product.objects.filter(pk=sold[0].pk).update(published=False)
    page = page_of(admin_client, sold[0])
    assert ">hidden<" in page
    assert "not on sale" in page
    assert reverse("admin:visualsearch_similar") not in page


def test_panel__of_a_product_without_pictures(admin_client, sell):
    assert "This product has no images" in page_of(admin_client, sell("bare"))


def test_panel__is_not_on_the_form_of_a_new_product(admin_client, db):
    page = admin_client.get(reverse("admin:shop_product_add")).content.decode()
    assert "vs-pictures" not in page


def test_panel__where_the_fieldsets_name_it(rf, admin_user, sold):
    class Own(SearchableAdmin):
        fieldsets = [(None, {"fields": ["search_by_photo", "name"]})]

    request = rf.get("/")
    request.user = admin_user
    own = Own(Product, admin.site)
    assert own.get_fieldsets(request, sold[0]) == Own.fieldsets
    assert "search_by_photo" in own.get_readonly_fields(request, sold[0])


def test_saving__works_with_the_panel(admin_client, sold):
    response = admin_client.post(
        reverse("admin:shop_product_change", args=[sold[0].pk]),
        {
            "sku": "P0",
            "name": "Renamed",
            "category": sold[0].category_id,
            "price": "1.00",
            "images-TOTAL_FORMS": 0,
            "images-INITIAL_FORMS": 0,
        },
    )
    assert response.status_code == 302
    assert Product.objects.get(sku="P0").name == "Renamed"


def test_action__reindexes_the_chosen_products(admin_client, sold):
    data = {"action": "reindex", "_selected_action": [sold[1].pk, sold[2].pk]}
    response = admin_client.post(LIST, data, follow=True)
    run = Run.objects.get()
    assert (run.scope, sorted(run.keys), run.items) == ("chosen", ["P1", "P2"], 2)
    assert "2 images encoded" in messages_of(response)[0]


def test_action__needs_the_permission_to_start_runs(staff, sold):
    editor = staff("view_product", "change_product")
    assert 'value="reindex"' not in editor.get(LIST).content.decode()
    editor.post(LIST, {"action": "reindex", "_selected_action": [sold[0].pk]})
    assert not Run.objects.exists()
    both = staff("view_product", "change_product", "add_run")
    assert 'value="reindex"' in both.get(LIST).content.decode()
    # The popup to choose a product has no actions.
    assert 'value="reindex"' not in both.get(LIST, {"_popup": 1}).content.decode()


def test_list__asks_no_more_with_more_products(admin_client, sold, sell, queries):
    before = queries(admin_client, LIST)
    sell("another", picture(8))
    assert queries(admin_client, LIST) == before


def test_panel__asks_no_more_with_more_pictures(admin_client, sold, broken, queries):
    reindex()
    url = reverse("admin:shop_product_change", args=[sold[0].pk])
    before = queries(admin_client, url)
    broken(sold[0])
    broken(sold[0])
    reindex()
    assert queries(admin_client, url) == before


def test_the_sample_shop_uses_it():
    assert issubclass(ProductAdmin, SearchableAdmin)
