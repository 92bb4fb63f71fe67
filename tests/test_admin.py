import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.urls import reverse

from tests.pictures import encoded, picture
from visualsearch import indexing
from visualsearch.models import Embedding, IndexVersion, Query, Run

RUNS = "admin:visualsearch_run_changelist"


@pytest.fixture
def viewer(client, db):
    """Staff that may look, but not reindex."""
    user = User.objects.create_user("viewer", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    return client


def messages_of(response):
    return [str(message) for message in response.context["messages"]]


def test_reindex__indexes_and_says_so(admin_client, sold):
    page = admin_client.get(reverse(RUNS)).content.decode()
    assert page.count(reverse("admin:visualsearch_reindex")) == 3
    response = admin_client.post(
        reverse("admin:visualsearch_reindex"), {"scope": "all"}, follow=True
    )
    assert "8 images encoded" in messages_of(response)[0]
    assert Embedding.objects.searchable().count() == 8
    assert Run.objects.get().state == Run.State.FINISHED


def test_reindex__failures_are_a_warning(admin_client, sold):
    sold[0].images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    response = admin_client.post(reverse("admin:visualsearch_reindex"), follow=True)
    assert "1 images failed" in messages_of(response)[0]
    failed = admin_client.get(
        reverse("admin:visualsearch_embedding_changelist"), {"result": "failed"}
    )
    assert failed.context["cl"].result_count == 1


def test_reindex__an_error_is_shown_not_raised(admin_client, sold, monkeypatch):
    def broken(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr("visualsearch.index_files.write", broken)
    response = admin_client.post(reverse("admin:visualsearch_reindex"), follow=True)
    assert "no space left" in messages_of(response)[0]


def test_reindex__only_by_post(admin_client):
    assert admin_client.get(reverse("admin:visualsearch_reindex")).status_code == 405


def test_reindex__unknown_scope(admin_client):
    response = admin_client.post(reverse("admin:visualsearch_reindex"), {"scope": "x"})
    assert response.status_code == 403
    assert not Run.objects.exists()


def test_reindex__not_for_viewers(viewer, sold):
    assert reverse("admin:visualsearch_reindex") not in viewer.get(reverse(RUNS)).content.decode()
    assert viewer.post(reverse("admin:visualsearch_reindex")).status_code == 403
    assert not Run.objects.exists()


def test_retry__indexes_the_repaired_image(admin_client, sold):
    row = sold[0].images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    reindex()
    with row.image.storage.open(row.image.name, "wb") as stored:
        stored.write(encoded(picture(9), "PNG"))
    failed = Embedding.objects.exclude(error="").get()
    response = admin_client.post(
        reverse("admin:visualsearch_embedding_changelist"),
        {"action": "retry", "_selected_action": [failed.pk]},
        follow=True,
    )
    assert "1 product" in messages_of(response)[0]
    assert not Embedding.objects.exclude(error="").exists()


def test_activate__rolls_back(admin_client, sold):
    first = reindex().version
    second = rebuild()
    url = reverse("admin:visualsearch_indexversion_changelist")
    admin_client.post(url, {"action": "activate", "_selected_action": [first.pk]})
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("active", "retired")
    response = admin_client.post(
        url, {"action": "activate", "_selected_action": [first.pk]}, follow=True
    )
    assert "Select one version" in messages_of(response)[-1]


def test_activate__not_for_viewers(viewer, sold):
    first = reindex().version
    second = rebuild()
    viewer.post(
        reverse("admin:visualsearch_indexversion_changelist"),
        {"action": "activate", "_selected_action": [first.pk]},
    )
    assert IndexVersion.objects.get(state="active") == second


def test_pages__render(admin_client, sold):
    reindex()
    Query.objects.create(encoder="fake-1", vector=b"", predictions=[], took_ms={"total": 3})
    for model in (Run, IndexVersion, Embedding, Query):
        name = model._meta.model_name
        assert admin_client.get(reverse(f"admin:visualsearch_{name}_changelist")).status_code == 200
        pk = model.objects.first().pk
        url = reverse(f"admin:visualsearch_{name}_change", args=[pk])
        assert admin_client.get(url).status_code == 200
