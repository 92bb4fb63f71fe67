from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import rebuild, reindex
from visualsearch.analytics import overview
from visualsearch.models import Embedding, IndexVersion, Query
from visualsearch.reindex import launch

from .conftest import messages_of

OVERVIEW = reverse("admin:visualsearch_overview")
PHOTO = reverse("admin:visualsearch_photo")
SIMILAR = reverse("admin:visualsearch_similar")
LISTS = [
    reverse(f"admin:visualsearch_{name}_changelist")
    for name in ("run", "embedding", "indexversion", "query")
]


def photo(seed=3, name="photo.png"):
    return SimpleUploadedFile(name, encoded(picture(seed), "PNG"), "image/png")


@pytest.fixture
def version(sold):
    return reindex().version


@pytest.mark.parametrize("url", [OVERVIEW, PHOTO, SIMILAR, *LISTS])
def test_every_page__of_an_empty_shop(admin_client, url):
    response = admin_client.get(url)
    assert response.status_code == 200
    assert "visualsearch/admin.css" in response.content.decode()


@pytest.mark.parametrize("url", [OVERVIEW, PHOTO, SIMILAR])
def test_every_page__needs_its_permission(client, staff, db, url):
    assert client.get(url).status_code == 302
    assert staff("view_query").get(url).status_code == 403
    assert staff("view_indexversion").get(url).status_code == 200


def test_tabs__are_on_every_page_and_name_what_one_may_see(admin_client, staff, version):
    for url in [OVERVIEW, PHOTO, *LISTS, reverse("admin:app_list", args=["visualsearch"])]:
        page = admin_client.get(url).content.decode()
        assert 'class="vs-tabs"' in page
        assert PHOTO in page
    page = staff("view_run").get(reverse("admin:visualsearch_run_changelist")).content.decode()
    assert 'aria-current="page"' in page
    assert PHOTO not in page


def test_no_page__has_inline_scripts_or_styles(admin_client, version):
    for url in (OVERVIEW, PHOTO, SIMILAR + "?item=P1", *LISTS):
        page = admin_client.get(url).content.decode()
        assert "style=" not in page
        assert "<style" not in page
        assert "<script>" not in page
        assert "onclick" not in page


def test_overview__counts(admin_client, sold, sell, broken):
    broken(sold[0])
    reindex()
    sell("new", picture(9))
    now = admin_client.get(OVERVIEW).context["now"]
    assert (now.products, now.indexed_products, now.missing_products) == (9, 8, 1)
    assert (now.indexed_images, now.failed_images, now.changes) == (8, 1, 0)
    launch.refresh_later(["new"])
    now = admin_client.get(OVERVIEW).context["now"]
    assert (now.missing_products, now.changes) == (0, 1)


def test_overview__before_the_first_run(admin_client, sold):
    page = admin_client.get(OVERVIEW).content.decode()
    assert "The catalog is not indexed yet" in page


def test_overview__quality_of_the_active_version(admin_client, version):
    assert "LABELLED_QUERIES" in admin_client.get(OVERVIEW).content.decode()
    IndexVersion.objects.update(
        evaluation={"queries": 9, "sku": {"recall@1": 0.25}, "latency_ms": {"p50": 3.0, "p95": 7.5}}
    )
    page = admin_client.get(OVERVIEW).content.decode()
    assert "0.250" in page
    assert "7.5\xa0ms" in page


def test_overview__drift_on_demand(admin_client, version, sold):
    assert "drift.lines" not in admin_client.get(OVERVIEW).content.decode()
    assert "No drift." in admin_client.post(OVERVIEW).content.decode()
    type(sold[0]).objects.filter(pk=sold[0].pk).update(published=False)  # no signal
    page = admin_client.post(OVERVIEW).content.decode()
    assert "1 indexed images are not on sale" in page


def test_overview__drift_of_what_was_never_indexed(admin_client, db):
    response = admin_client.post(OVERVIEW)
    assert "not indexed yet" in messages_of(response)[0]


def test_overview__refuses_a_form_without_a_token(admin_user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert client.post(OVERVIEW).status_code == 403


def test_searches__percentiles_and_hours(db):
    now = timezone.now()
    for hours, total, matched in [
        (0.5, 10, True),
        (0.6, 20, True),
        (5.5, 30, False),
        (25, 999, True),
    ]:
        query = Query.objects.create(
            encoder="fake-1", vector=b"", matched=matched, took_ms={"total": total}
        )
        Query.objects.filter(pk=query.pk).update(created=now - timedelta(hours=hours))
    found = overview.searches(now)
    assert (found.count, found.p50, found.p95) == (3, 20.0, 29.0)
    assert found.matched == pytest.approx(2 / 3)
    assert found.by_hour == [0] * 18 + [1, 0, 0, 0, 0, 2]


def test_overview__asks_the_database_no_more_with_more_rows(admin_client, version, queries):
    search(admin_client)
    before = queries(admin_client, OVERVIEW)
    reindex()
    reindex()
    assert queries(admin_client, OVERVIEW) == before


def test_photo__asks_no_more_for_more_hits(admin_client, version, queries):
    counts = []
    for item in ("P1", "P2"):
        counts.append(queries(admin_client, SIMILAR, item=item))
        Embedding.objects.filter(item__in=["P4", "P5"]).update(removed=True)
    assert counts[0] == counts[1]


def search(client, **values):
    active = IndexVersion.objects.get(state="active")
    fields = {"image": photo(), "version": active.pk, "limit": 5}
    return client.post(PHOTO, {**fields, **values})


def test_photo__finds_the_product(admin_client, version, sold):
    response = search(admin_client)
    (column,) = response.context["columns"]
    assert column.hits[0]["product"].key == "P3"
    assert len(column.hits) == 5
    page = response.content.decode()
    assert "data:image/jpeg;base64," in page
    assert reverse("admin:shop_product_change", args=[sold[3].pk]) in page
    assert "encode the photo" in page
    assert column.hits[0]["score"] == "1.000"


def test_photo__counts_as_nobodys_search(admin_client, version):
    search(admin_client)
    assert not Query.objects.exists()


def test_photo__in_two_versions(admin_client, version):
    second = rebuild()
    response = search(admin_client, other=version.pk)
    shown = [(each.version.pk, each.result.index_version) for each in response.context["columns"]]
    assert shown == [(second.pk, second.pk), (version.pk, version.pk)]
    assert not Query.objects.exists()


def test_photo__one_of_two_versions_cannot_answer(admin_client, version):
    lost = rebuild()
    rebuild()
    IndexVersion.objects.filter(pk=lost.pk).update(encoder="gone-1", encoder_class="gone.Encoder")
    first, second = search(admin_client, other=lost.pk).context["columns"]
    assert first.hits
    assert "cannot be loaded" in second.error


def test_photo__marks_the_subject(admin_client, version, configure, monkeypatch):
    configure(ENCODER_OPTIONS={"cells": True})
    monkeypatch.setattr(
        "visualsearch.encoders.subject.suggest_box", lambda *args: (0.1, 0.2, 0.5, 0.6)
    )
    page = search(admin_client).content.decode()
    assert '<rect x="0.1000" y="0.2000" width="0.5000" height="0.6000">' in page


@pytest.mark.parametrize(
    ("values", "status", "text"),
    [
        ({"image": ""}, 200, "This field is required"),
        ({"limit": 1000}, 200, "less than or equal to 100"),
        ({"version": 999}, 200, "Select a valid choice"),
        (
            {"image": SimpleUploadedFile("x.png", b"no photo")},
            415,
            "not an image in a supported format",
        ),
    ],
    ids=["no photo", "limit", "version", "no picture"],
)
def test_photo__says_what_to_do(admin_client, version, values, status, text):
    response = search(admin_client, **values)
    assert response.status_code == status
    assert text in response.content.decode()


def test_photo__too_large(admin_client, version, configure):
    configure(MAX_PHOTO_BYTES=1_000)
    response = search(admin_client, image=SimpleUploadedFile("x.png", b"x" * 2_000))
    assert response.status_code == 413
    # So large that the body is not read to its end.
    response = search(admin_client, image=SimpleUploadedFile("x.png", b"x" * 200_000))
    assert response.status_code == 413


def test_photo__refuses_a_form_without_a_token(admin_user, version):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    assert search(client).status_code == 403
    token = client.get(PHOTO).cookies["csrftoken"].value
    assert search(client, csrfmiddlewaretoken=token).status_code == 200


def test_similar__leads_to_products(admin_client, version, sold):
    response = admin_client.get(SIMILAR, {"item": "P3"})
    keys = [hit["product"].key for hit in response.context["hits"]]
    assert len(keys) == 7
    assert "P3" not in keys
    assert reverse("admin:shop_product_change", args=[sold[0].pk]) in response.content.decode()


def test_similar__of_nothing(admin_client, version):
    for item in ("gone", ""):
        assert (
            "This product is not on sale"
            in admin_client.get(SIMILAR, {"item": item}).content.decode()
        )


def test_queries__list_and_page(admin_client, db):
    query = Query.objects.create(
        encoder="fake-1",
        vector=b"",
        predictions=[{"label": "shirt", "probability": 0.9}],
        took_ms={"total": 12.3},
    )
    page = admin_client.get(LISTS[3]).content.decode()
    assert "shirt" in page
    assert "12\xa0ms" in page
    url = reverse("admin:visualsearch_query_change", args=[query.pk])
    assert admin_client.get(url).status_code == 200
