from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.exceptions import BackendUnavailable
from visualsearch.models import Embedding, Run
from visualsearch.reindex import launch, run_row, runs

from .conftest import messages_of

LIST = "admin:visualsearch_run_changelist"
START = "admin:visualsearch_reindex"


def control(run, name):
    return reverse("admin:visualsearch_run_control", args=[run.pk, name])


def progress_of(run):
    return reverse("admin:visualsearch_run_progress", args=[run.pk])


def running(**values) -> Run:
    """Create a run that is claimed by this process."""
    run, _ = runs.request(Run.Scope.ALL, by="ana")
    run_row.claim(run)
    Run.objects.filter(pk=run.pk).update(**values)
    run.refresh_from_db()
    return run


def test_list__of_a_shop_without_runs(admin_client, db):
    page = admin_client.get(reverse(LIST)).content.decode()
    assert page.count(reverse(START)) == 3
    assert 'value="chosen"' not in page


def test_start__indexes_and_says_so(admin_client, sold):
    response = admin_client.post(reverse(START), {"scope": "all"}, follow=True)
    assert "8 images encoded" in messages_of(response)[0]
    assert Embedding.objects.searchable().count() == 8
    run = Run.objects.get()
    assert (run.state, run.requested_by) == (Run.State.FINISHED, "admin")
    assert reverse("admin:visualsearch_run_change", args=[run.pk]) in messages_of(response)[0]


def test_start__failures_are_a_warning(admin_client, sold, broken):
    broken(sold[0])
    response = admin_client.post(reverse(START), follow=True)
    (message,) = response.context["messages"]
    assert "1 images failed" in str(message)
    assert message.level_tag == "warning"


def test_start__an_error_is_shown_not_raised(admin_client, sold, monkeypatch):
    def full(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr("visualsearch.serving.index_files.write", full)
    response = admin_client.post(reverse(START), follow=True)
    assert "no space left" in messages_of(response)[0]


def test_start__a_broker_that_is_down_is_told(admin_client, sold, monkeypatch):
    def down(*args):
        raise BackendUnavailable

    monkeypatch.setattr(launch, "enqueue", down)
    response = admin_client.post(reverse(START), follow=True)
    assert "not available" in messages_of(response)[0]
    assert Run.objects.get().open is None


def test_start__while_one_is_open(admin_client, db):
    run = running()
    page = admin_client.get(reverse(LIST)).content.decode()
    assert reverse(START) not in page
    assert progress_of(run) in page
    response = admin_client.post(reverse(START), {"scope": "failed"}, follow=True)
    assert "has not finished yet" in messages_of(response)[0]
    assert Run.objects.get() == run


@pytest.mark.parametrize("scope", ["x", "chosen"])
def test_start__no_such_scope(admin_client, scope):
    assert admin_client.post(reverse(START), {"scope": scope}).status_code == 404
    assert not Run.objects.exists()


def test_start__needs_its_permission(staff, sold):
    viewer = staff("view_run")
    assert reverse(START) not in viewer.get(reverse(LIST)).content.decode()
    assert viewer.post(reverse(START)).status_code == 403
    assert not Run.objects.exists()
    assert staff("view_run", "add_run").post(reverse(START)).status_code == 302
    assert Run.objects.exists()


def test_start__only_by_post_and_with_a_token(admin_client, admin_user):
    assert admin_client.get(reverse(START)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(admin_user)
    assert strict.post(reverse(START), {"scope": "all"}).status_code == 403
    assert not Run.objects.exists()


def test_progress__of_a_run_at_work(admin_client, db):
    run = running(items=200, done=50, worked=10.0, stage="encoding", failed=2)
    answer = admin_client.get(progress_of(run)).json()
    assert answer["open"] is True
    assert (answer["done"], answer["items"], answer["percent"]) == (50, 200, 25)
    assert answer["controls"] == ["pause", "cancel"]
    assert answer["texts"]["rate"] == "5.0 products/s"
    assert answer["texts"]["left"] == "30\xa0s"
    assert answer["texts"]["failed"] == "2"
    assert answer["announcement"].endswith("20 %")


def test_progress__says_little(admin_client, db):
    run = running(items=200, done=50, stage="encoding")
    before = admin_client.get(progress_of(run)).json()["announcement"]
    Run.objects.update(done=58)
    assert admin_client.get(progress_of(run)).json()["announcement"] == before
    Run.objects.update(done=60)
    assert admin_client.get(progress_of(run)).json()["announcement"] != before


def test_progress__speaks_the_visitors_language(admin_client, db):
    run = running(items=200, done=50, worked=10.0)
    answer = admin_client.get(progress_of(run), headers={"accept-language": "fr"}).json()
    assert answer["texts"]["rate"] == "5,0 produits/s"


def test_progress__of_one_that_ended(admin_client, sold):
    answer = admin_client.get(progress_of(reindex())).json()
    assert answer["open"] is False
    assert answer["controls"] == []
    assert answer["colour"] == "good"


def test_progress__is_for_those_who_may_look(admin_client, staff, db):
    run = running()
    assert staff("add_run").get(progress_of(run)).status_code == 403
    assert staff("view_run").get(progress_of(run)).status_code == 200
    assert admin_client.post(progress_of(run)).status_code == 405
    run.pk += 1
    assert admin_client.get(progress_of(run)).status_code == 404


def test_pause__of_a_run_at_work_is_a_wish(admin_client, db):
    run = running()
    admin_client.post(control(run, "pause"))
    run.refresh_from_db()
    assert (run.state, run.wish) == ("running", "pause")
    assert admin_client.get(progress_of(run)).json()["controls"] == ["cancel"]


def test_pause_and_go_on(admin_client, sold):
    run, _ = runs.request(Run.Scope.ALL)
    admin_client.post(control(run, "pause"))
    run.refresh_from_db()
    assert run.state == Run.State.PAUSED
    assert admin_client.get(progress_of(run)).json()["controls"] == ["resume", "cancel"]
    admin_client.post(control(run, "resume"))
    run.refresh_from_db()
    assert (run.state, run.encoded) == (Run.State.FINISHED, 8)


def test_cancel__ends_what_nobody_works_on(admin_client, db):
    run, _ = runs.request(Run.Scope.ALL)
    admin_client.post(control(run, "cancel"))
    run.refresh_from_db()
    assert (run.state, run.open) == (Run.State.CANCELLED, None)


def test_dead_run__is_shown_as_such_and_goes_on(admin_client, sold):
    run = running(heartbeat=timezone.now() - timedelta(hours=1), worker="elsewhere:1:x")
    page = admin_client.get(reverse(LIST)).content.decode()
    assert "no heartbeat" in page
    assert admin_client.get(progress_of(run)).json()["controls"] == ["resume", "cancel"]
    admin_client.post(control(run, "resume"))
    run.refresh_from_db()
    assert run.state == Run.State.FINISHED


def test_queued_run__that_nobody_took_can_be_handed_over_again(admin_client, sold):
    run, _ = runs.request(Run.Scope.ALL)
    assert admin_client.get(progress_of(run)).json()["controls"] == ["pause", "cancel"]
    Run.objects.update(created=timezone.now() - timedelta(hours=1))
    assert "resume" in admin_client.get(progress_of(run)).json()["controls"]
    admin_client.post(control(run, "resume"))
    run.refresh_from_db()
    assert run.state == Run.State.FINISHED


def test_control__what_is_not_possible_is_told(admin_client, sold):
    run = reindex()
    response = admin_client.post(control(run, "pause"), follow=True)
    assert "finished" in messages_of(response)[0]


def test_control__permission_method_and_names(admin_client, staff, db):
    run = running()
    viewer = staff("view_run", "add_run")
    assert control(run, "pause") not in viewer.get(reverse(LIST)).content.decode()
    assert viewer.post(control(run, "pause")).status_code == 403
    run.refresh_from_db()
    assert not run.wish
    assert admin_client.get(control(run, "pause")).status_code == 405
    assert admin_client.post(control(run, "explode")).status_code == 404
    run.pk += 1
    assert admin_client.post(control(run, "pause")).status_code == 404


def test_run_page__names_its_failed_images(admin_client, sold, broken):
    name = broken(sold[0]).image.name
    run = reindex()
    url = reverse("admin:visualsearch_run_change", args=[run.pk])
    page = admin_client.get(url).content.decode()
    assert name in page
    assert "not an image in a supported format" in page
    assert reverse("admin:shop_product_change", args=[sold[0].pk]) in page
    # After the repair, it is no longer listed.
    stored = sold[0].images.last().image
    with stored.storage.open(stored.name, "wb") as file:
        file.write(encoded(picture(9), "PNG"))
    reindex(Run.Scope.FAILED)
    assert name not in admin_client.get(url).content.decode()


def test_run_page__names_chosen_products(admin_client, sold):
    run = reindex(Run.Scope.CHOSEN, keys=["P3", "gone"])
    page = admin_client.get(reverse("admin:visualsearch_run_change", args=[run.pk])).content
    assert "Product P3" in page.decode()
    assert "gone" in page.decode()


def test_list__asks_the_database_no_more_with_more_runs(admin_client, sold, queries):
    reindex()
    before = queries(admin_client, reverse(LIST))
    reindex()
    reindex()
    assert queries(admin_client, reverse(LIST)) == before
