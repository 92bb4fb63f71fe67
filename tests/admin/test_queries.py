import io
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from tests.helpers.pictures import encoded, picture
from visualsearch.models import Event, Experiment, KeptPhoto, Query, Storefront

LIST = reverse("admin:visualsearch_query_changelist")

pytestmark = pytest.mark.django_db


def page_of(query):
    return reverse("admin:visualsearch_query_change", args=[query.pk])


def photo_of(query):
    return reverse("admin:visualsearch_query_photo", args=[query.pk])


@pytest.fixture
def query():
    shop = Storefront(name="Mobile app")
    shop.new_key()
    shop.save()
    return Query.objects.create(
        storefront=shop,
        experiment=Experiment.objects.create(name="New model"),
        variant="treatment",
        visitor="f" * 32,
        encoder="fake-1",
        vector=b"secret-vector",
        cells=b"secret-cells",
        predictions=[{"label": "hat", "probability": 0.91}],
        best_score=0.8,
        took_ms={"encode": 30.0, "total": 41.0},
        shown={f"P{n}": n for n in range(1, 9)},
    )


@pytest.fixture
def kept(query):
    values = {"jpeg": encoded(picture(3)), "expires": timezone.now() + timedelta(hours=1)}
    return KeptPhoto.objects.create(query_id=query.pk, **values)


def text_of(response):
    return response.content.decode()


def test_list__storefront_variant_and_results(admin_client, query):
    page = text_of(admin_client.get(LIST))
    for text in ("Mobile app", "treatment", '<td class="field-results">8</td>'):
        assert text in page
    assert admin_client.get(LIST, {"variant__exact": "control"}).context["cl"].result_count == 0


def test_list__the_newest_first(admin_client, query):
    older = Query.objects.create(encoder="fake-1", vector=b"")
    Query.objects.filter(pk=older.pk).update(created=timezone.now() - timedelta(days=1))
    rows = admin_client.get(LIST).context["cl"].result_list
    assert [row.pk for row in rows] == [query.pk, older.pk]
    assert page_of(query) in text_of(admin_client.get(LIST))


def test_list__asks_the_database_no_more_with_more_queries(admin_client, query, queries):
    before = queries(admin_client, LIST)
    for _ in range(3):
        Query.objects.create(storefront=query.storefront, encoder="fake-1", vector=b"")
    assert queries(admin_client, LIST) == before


def test_page__what_became_of_it(admin_client, query, sell):
    sell("P3")
    assert "No events were recorded" in text_of(admin_client.get(page_of(query)))
    Event.objects.create(query=query, kind="click", item="P3", rank=3)
    Event.objects.create(query=query, kind="purchase", item="gone", rank=5)
    page = text_of(admin_client.get(page_of(query)))
    for text in ("click · Product P3 (P3) · rank 3", "purchase · gone · rank 5", "Hat 91.0\xa0%"):
        assert text in page


def test_page__nothing_of_the_photo_or_of_the_visitor(admin_client, query):
    page = text_of(admin_client.get(page_of(query)))
    for text in ("secret-vector", "secret-cells", "f" * 32):
        assert text not in page


def test_photo__is_shown_where_it_was_kept(admin_client, query, kept):
    assert photo_of(query) in text_of(admin_client.get(page_of(query)))
    response = admin_client.get(photo_of(query))
    assert response["Content-Type"] == "image/jpeg"
    assert "no-store" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert Image.open(io.BytesIO(response.content)).format == "JPEG"


def test_photo__not_after_its_time(admin_client, query, kept):
    KeptPhoto.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert admin_client.get(photo_of(query)).status_code == 404
    assert "The photo was not kept" in text_of(admin_client.get(page_of(query)))


def test_photo__of_a_search_without_one(admin_client, query):
    assert admin_client.get(photo_of(query)).status_code == 404
    assert photo_of(query) not in text_of(admin_client.get(page_of(query)))


def test_photo__needs_a_permission_of_its_own(client, staff, query, kept):
    assert client.get(photo_of(query)).status_code == 302
    viewer = staff("view_query")
    assert viewer.get(photo_of(query)).status_code == 403
    assert photo_of(query) not in text_of(viewer.get(page_of(query)))
    assert staff("view_keptphoto").get(photo_of(query)).status_code == 403
    both = staff("view_query", "view_keptphoto")
    assert both.get(photo_of(query)).status_code == 200
    assert photo_of(query) in text_of(both.get(page_of(query)))


@pytest.mark.parametrize("how", ["page", "action"])
def test_delete__takes_the_photo_along(admin_client, query, kept, how):
    if how == "page":
        url = reverse("admin:visualsearch_query_delete", args=[query.pk])
        admin_client.post(url, {"post": "yes"})
    else:
        chosen = {"action": "delete_selected", "_selected_action": [query.pk], "post": "yes"}
        admin_client.post(LIST, chosen)
    assert not Query.objects.exists()
    assert not KeptPhoto.objects.exists()
