import pytest
from django.urls import reverse

from tests.helpers.reindex import rebuild, reindex
from visualsearch.exceptions import ModelUnavailable
from visualsearch.indexes import catalog_fit
from visualsearch.models import IndexVersion

from .conftest import messages_of

LIST = reverse("admin:visualsearch_indexversion_changelist")
COMPARE = reverse("admin:visualsearch_compare")
ROLL_BACK = reverse("admin:visualsearch_roll_back")


def activate(version):
    return reverse("admin:visualsearch_activate", args=[version.pk])


@pytest.fixture
def two(sold):
    """Two versions with figures; the second one is active."""
    first, second = reindex().version, rebuild()
    for version, recall in ((first, 0.815), (second, 0.75)):
        version.refresh_from_db()
        version.evaluation = {
            "queries": 16,
            "sku": {"recall@1": 0.5, "recall@10": recall, "mrr": 0.6},
            "latency_ms": {"p50": 12.0, "p95": 30.0},
        }
        version.figures |= {"structure": "flat", "memory_bytes": 3 * 1024 * 1024}
        version.save()
    return first, second


def state(version):
    return IndexVersion.objects.get(pk=version.pk).state


def test_activate__asks_first_and_shows_both(admin_client, two):
    first, second = two
    page = admin_client.get(activate(first)).content.decode()
    assert f"Version {second.pk} answers searches now." in page
    assert f"After the activation, version {first.pk} does." in page
    assert "0.815" in page
    assert "0.750" in page
    assert state(second) == "active"


def test_activate__on_the_answer(admin_client, two):
    first, second = two
    response = admin_client.post(activate(first), follow=True)
    assert f"Version {first.pk} is now active" in messages_of(response)[0]
    assert (state(first), state(second)) == ("active", "retired")


def test_activate__says_when_the_model_changes(admin_client, two):
    first, _ = two
    IndexVersion.objects.filter(pk=first.pk).update(encoder="other-2")
    assert "from fake-1 to other-2" in admin_client.get(activate(first)).content.decode()


def test_activate__the_active_one_is_refused(admin_client, two):
    _, second = two
    for response in (
        admin_client.get(activate(second), follow=True),
        admin_client.post(activate(second), follow=True),
    ):
        assert "cannot be activated: it is active" in messages_of(response)[0]


def test_activate__a_model_that_cannot_be_loaded_is_told(admin_client, two, monkeypatch):
    def gone(version):
        raise ModelUnavailable(reason="its file is gone")

    monkeypatch.setattr("visualsearch.serving.version_encoders.encoder_of", gone)
    response = admin_client.post(activate(two[0]), follow=True)
    assert "its file is gone" in messages_of(response)[0]
    assert state(two[1]) == "active"


def test_roll_back__and_forth(admin_client, two):
    first, second = two
    assert f"Roll back to version {first.pk}" in admin_client.get(LIST).content.decode()
    assert f"Roll back to version {first.pk}?" in admin_client.get(ROLL_BACK).content.decode()
    assert state(second) == "active"
    admin_client.post(ROLL_BACK)
    assert (state(first), state(second)) == ("active", "retired")
    admin_client.post(ROLL_BACK)
    assert (state(first), state(second)) == ("retired", "active")


def test_roll_back__to_nothing(admin_client, sold):
    reindex()
    assert ROLL_BACK not in admin_client.get(LIST).content.decode()
    for response in (
        admin_client.get(ROLL_BACK, follow=True),
        admin_client.post(ROLL_BACK, follow=True),
    ):
        assert "KEPT_VERSIONS" in messages_of(response)[0]


def test_changes__need_their_permission(staff, two):
    first, second = two
    viewer = staff("view_indexversion")
    assert ROLL_BACK not in viewer.get(LIST).content.decode()
    assert activate(first) not in viewer.get(COMPARE).content.decode()
    for url in (ROLL_BACK, activate(first)):
        assert viewer.get(url).status_code == 403
        assert viewer.post(url).status_code == 403
    assert state(second) == "active"
    staff("view_indexversion", "change_indexversion").post(activate(first))
    assert state(first) == "active"


def test_unknown_version(admin_client, two):
    assert admin_client.get(activate(IndexVersion(pk=999))).status_code == 404
    assert admin_client.post(activate(IndexVersion(pk=999))).status_code == 404


def test_compare__all_kept_with_the_best_marked(admin_client, two):
    response = admin_client.get(COMPARE)
    lines = dict(response.context["lines"])
    assert [cell.text for cell in lines["recall@10"]] == ["0.750", "0.815"]
    assert [cell.best for cell in lines["recall@10"]] == [False, True]
    assert [cell.best for cell in lines["recall@1"]] == [False, False]
    assert lines["memory"][0].text == "3.0\xa0MB"
    assert "recall@5" not in lines  # not measured


def test_compare__the_chosen_ones(admin_client, two):
    first, _ = two
    response = admin_client.post(
        LIST, {"action": "compare_selected", "_selected_action": [first.pk]}, follow=True
    )
    assert [version for version, _ in response.context["heads"]] == [first]


def test_compare__nothing(admin_client, staff, db):
    assert "No version has been built yet" in admin_client.get(COMPARE).content.decode()
    assert admin_client.get(COMPARE, {"version": ["x", "7"]}).status_code == 200
    assert staff("view_run").get(COMPARE).status_code == 403


def test_failed_version__says_why(admin_client, two):
    IndexVersion.objects.create(encoder="fake-1", state="failed", error="no space left on device")
    assert "no space left on device" in admin_client.get(LIST).content.decode()


def test_version__has_a_page_beside_the_active_one(admin_client, two):
    first, second = two
    url = reverse("admin:visualsearch_indexversion_change", args=[first.pk])
    response = admin_client.get(url)
    assert [version for version, _ in response.context["heads"]] == [first, second]


def test_list__asks_the_database_no_more_with_more_versions(admin_client, two, queries):
    before = queries(admin_client, LIST)
    rebuild()
    assert queries(admin_client, LIST) == before


FIT = reverse("admin:visualsearch_fit")


@pytest.fixture
def unfitted(sold, configure, monkeypatch):
    """A version without a fit, of a catalog that is large enough for one."""
    monkeypatch.setattr(catalog_fit, "LEAST", 8)
    configure(FIT=False)
    version = reindex().version
    configure(FIT=True)
    return version


def test_fit__from_the_list(admin_client, unfitted):
    assert "Fit to the catalog" in admin_client.get(LIST).content.decode()
    response = admin_client.post(FIT, follow=True)
    assert "has finished" in messages_of(response)[0]
    version = IndexVersion.objects.get(state="active")
    assert version != unfitted
    overview = admin_client.get(reverse("admin:visualsearch_overview")).content.decode()
    assert "to the catalog: embedding 100" in overview
    page = admin_client.get(f"{COMPARE}?version={version.pk}&version={unfitted.pk}")
    text = page.content.decode()
    for shown in ("not fitted", "to the catalog", "embedding 100"):
        assert shown in text
    admin_client.post(ROLL_BACK)
    assert state(unfitted) == "active"


def test_fit__what_it_was_compared_with(admin_client, unfitted):
    option = {"shares": {"upper": 0.9, "lower": 0.1}, "recall@1": 0.5, "recall@5": 0.6}
    option |= {"recall@10": 0.7, "mrr": 0.123}
    admin_client.post(FIT)
    version = IndexVersion.objects.get(state="active")
    version.fit |= {"queries": 31, "tried": [{"name": "labels", **option}]}
    version.save()
    url = reverse("admin:visualsearch_indexversion_change", args=[version.pk])
    text = admin_client.get(url).content.decode()
    for shown in (
        "Exact comparison over 31 labelled searches",
        "Fitted with labels",
        "0.123",
        "upper 90",
    ):
        assert shown in text


def test_fit__needs_the_permission_to_activate(staff, unfitted):
    looking = staff("view_indexversion")
    assert "Fit to the catalog" not in looking.get(LIST).content.decode()
    assert looking.post(FIT).status_code == 403
    assert staff("view_indexversion", "add_run").post(FIT).status_code == 403
    assert staff("view_indexversion", "change_indexversion").post(FIT).status_code == 302
    assert IndexVersion.objects.count() == 2


def test_fit__not_offered_where_it_cannot_be_done(admin_client, unfitted, configure):
    configure(ENCODER_OPTIONS={"version": "2"})
    assert "Fit to the catalog" not in admin_client.get(LIST).content.decode()
    response = admin_client.post(FIT, follow=True)
    assert "another model" in messages_of(response)[0]


def test_fit__is_no_scope_of_the_runs_page(admin_client, unfitted):
    response = admin_client.post(reverse("admin:visualsearch_reindex"), {"scope": "fit"})
    assert response.status_code == 404
