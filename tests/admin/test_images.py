import pytest
from django.urls import reverse

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.models import Embedding, Run

from .conftest import messages_of

LIST = reverse("admin:visualsearch_embedding_changelist")


def test_failed__with_reason_thumbnail_and_product(admin_client, sold, broken):
    image = broken(sold[0]).image
    reindex()
    response = admin_client.get(LIST, {"result": "failed"})
    assert response.context["cl"].result_count == 1
    page = response.content.decode()
    assert "not an image in a supported format" in page
    assert image.url in page
    assert reverse("admin:shop_product_change", args=[sold[0].pk]) in page
    assert "Product P0" in page


def test_failed__of_another_encoder_do_not_count(admin_client, sold, broken):
    broken(sold[0])
    reindex()
    Embedding.objects.exclude(error="").update(encoder="older-1")
    assert admin_client.get(LIST, {"result": "failed"}).context["cl"].result_count == 0


@pytest.mark.parametrize(("result", "count"), [("indexed", 7), ("removed", 1), ("failed", 1)])
def test_filter(admin_client, sold, broken, result, count):
    broken(sold[0])
    reindex()
    sold[1].published = False
    sold[1].save()
    reindex()
    assert admin_client.get(LIST, {"result": result}).context["cl"].result_count == count


def test_retry__the_chosen_ones(admin_client, sold, broken):
    first, second = broken(sold[0]).image, broken(sold[1]).image
    reindex()
    for image in (first, second):
        with image.storage.open(image.name, "wb") as stored:
            stored.write(encoded(picture(9), "PNG"))
    row = Embedding.objects.get(image=first.name)
    response = admin_client.post(
        LIST, {"action": "retry", "_selected_action": [row.pk]}, follow=True
    )
    assert "1 images encoded" in messages_of(response)[0]
    assert list(Embedding.objects.exclude(error="").values_list("image", flat=True)) == [
        second.name
    ]
    assert Run.objects.first().keys == ["P0"]


def test_retry__all_has_a_button(admin_client, staff, sold, broken):
    assert "Retry" not in admin_client.get(LIST).content.decode()
    broken(sold[0])
    reindex()
    page = admin_client.get(LIST).content.decode()
    assert "Retry 1 failed image" in page
    assert 'name="scope" value="failed"' in page
    assert 'value="failed"' not in staff("view_embedding").get(LIST).content.decode()


def test_retry__needs_the_permission_to_start_runs(staff, sold, broken):
    broken(sold[0])
    reindex()
    row = Embedding.objects.exclude(error="").get()
    viewer = staff("view_embedding")
    viewer.post(LIST, {"action": "retry", "_selected_action": [row.pk]})
    assert Run.objects.count() == 1


def test_list__asks_the_database_no_more_with_more_images(admin_client, sold, broken, queries):
    broken(sold[0])
    reindex()
    before = queries(admin_client, LIST, result="failed")
    for product in sold:
        broken(product)
    reindex()
    assert queries(admin_client, LIST, result="failed") == before


def test_list__needs_its_permission(staff, db):
    assert staff("view_run").get(LIST).status_code == 403


def test_row__has_a_page(admin_client, sold):
    reindex()
    row = Embedding.objects.first()
    url = reverse("admin:visualsearch_embedding_change", args=[row.pk])
    assert admin_client.get(url).status_code == 200
