from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import rebuild, reindex
from tests.helpers.traces import BAD, leave_traces, version
from visualsearch.models import Experiment, IndexVersion

from .conftest import messages_of

LIST = reverse("admin:visualsearch_experiment_changelist")
ADD = reverse("admin:visualsearch_experiment_add")
OVERVIEW = reverse("admin:visualsearch_overview")
INSIGHTS = reverse("admin:visualsearch_insights")

pytestmark = pytest.mark.django_db


def page_of(experiment):
    return reverse("admin:visualsearch_experiment_change", args=[experiment.pk])


def stop_of(experiment):
    return reverse("admin:visualsearch_experiment_stop", args=[experiment.pk])


def experiment(days=3.0, **values):
    fields = {"name": "New model", "version": version(), "ramp_hours": 24.0, **values}
    started = timezone.now() - timedelta(days=days)
    return Experiment.objects.create(started=started, ramp_started=started, **fields)


def text_of(response):
    return response.content.decode()


def posted(tried, **values):
    fields = {"name": "New model", "version": tried.pk, "percent": "20", "ramp_hours": "48"}
    return {**fields, **values}


@pytest.fixture
def versions():
    """One version per state, by the name of the state."""
    states = ("active", "ready", "retired", "building", "failed")
    return {state: version(state) for state in states}


def test_add__offers_complete_versions(admin_client, versions):
    response = admin_client.get(ADD)
    choices = response.context["adminform"].form.fields["version"].queryset
    assert {each.state for each in choices} == {"ready", "retired", "active"}
    assert "no version to test" not in text_of(response)


def test_add__the_active_version_tests_rules_only(admin_client, versions):
    assert "the active version: test ranking rules only" in text_of(admin_client.get(ADD))
    admin_client.post(ADD, posted(versions["active"]))
    assert Experiment.objects.get().version == versions["active"]


def test_add__without_a_version_says_what_to_do(admin_client):
    version("failed")
    assert "no version to test" in text_of(admin_client.get(ADD))


def test_add__starts_it(admin_client, versions):
    response = admin_client.post(ADD, posted(versions["ready"]), follow=True)
    found = Experiment.objects.get()
    assert (found.share, found.ramp_hours, found.running) == (0.2, 48.0, True)
    assert f"some visitors now get version {versions['ready'].pk}" in messages_of(response)[0]
    assert response.redirect_chain[-1][0] == page_of(found)
    assert "reaches 20\xa0% in 48 hours" in text_of(response)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"percent": "0"}, "greater than or equal to 0.1"),
        ({"percent": "101"}, "less than or equal to 100"),
        ({"ramp_hours": "-1"}, "greater than or equal to 0"),
        ({"version": ""}, "This field is required"),
    ],
)
def test_add__refuses_what_makes_no_sense(admin_client, versions, values, text):
    response = admin_client.post(ADD, posted(versions["ready"], **values))
    assert text in text_of(response)
    assert not Experiment.objects.exists()


@pytest.mark.parametrize("state", ["building", "failed"])
def test_add__refuses_versions_that_cannot_answer(admin_client, versions, state):
    response = admin_client.post(ADD, posted(versions[state]))
    assert "Select a valid choice" in text_of(response)


def test_add__one_at_a_time(admin_client, versions):
    experiment(version=versions["retired"])
    for response in (
        admin_client.get(ADD, follow=True),
        admin_client.post(ADD, posted(versions["ready"]), follow=True),
    ):
        assert "Stop it before you start another one" in messages_of(response)[0]
    assert Experiment.objects.count() == 1
    assert ADD not in text_of(admin_client.get(LIST)).split('id="content"')[1]


def test_add__somebody_else_was_first(admin_client, versions, monkeypatch):
    form = "visualsearch.admin.experiments.ExperimentForm.save"

    def late(self, commit=True):
        self.instance.share = 0.5
        experiment(version=versions["retired"])
        return self.instance

    monkeypatch.setattr(form, late)
    response = admin_client.post(ADD, posted(versions["ready"]), follow=True)
    assert "Stop it before you start another one" in messages_of(response)[0]


def test_page__before_anybody_searched(admin_client):
    response = admin_client.get(page_of(experiment()))
    assert response.status_code == 200
    assert response.context["verdict"] == "too early to say"
    assert "vs-plot" not in text_of(response)


def test_page__shows_both_variants(admin_client):
    mine = experiment(share=0.5)
    leave_traces(days=4, per_day=120, experiment=mine)
    response = admin_client.get(page_of(mine))
    lines = {each.label: each for each in response.context["lines"]}
    assert set(lines) == {
        "searches with a click",
        "matched",
        "without a result",
        "photos that failed",
        "median time",
        "95th percentile time",
        "score of the best result",
    }
    matched = lines["matched"]
    assert matched.control.endswith("\xa0%")
    assert "–" in matched.control_interval
    assert matched.difference.endswith("points")
    assert " to " in matched.difference_interval
    assert lines["median time"].treatment.endswith("\xa0ms")
    assert response.context["verdict"] != "worse: stop the experiment"
    page = text_of(response)
    assert 'aria-label="Searches with a click by day"' in page
    assert page.count('class="vs-band') == 2
    assert "style=" not in page


def test_page__a_bad_variant_is_called_so(admin_client):
    # Long enough to show at any time of day.
    mine = experiment(days=2.5, ramp_hours=0)
    leave_traces(days=4, per_day=400, experiment=mine, treatment=BAD)
    response = admin_client.get(page_of(mine))
    assert response.context["verdict"] == "worse: stop the experiment"
    assert "median time" in response.context["worse"]


def test_stop__with_one_click(admin_client, staff):
    mine = experiment()
    page = text_of(admin_client.get(page_of(mine)))
    assert f'<form method="post" action="{stop_of(mine)}">' in page
    response = admin_client.post(stop_of(mine), follow=True)
    mine.refresh_from_db()
    assert mine.running is None
    assert mine.stopped is not None
    assert "All visitors get the active version again" in messages_of(response)[0]
    page = text_of(response)
    assert stop_of(mine) not in page
    assert 'name="percent"' not in page
    stopped = mine.stopped
    assert "had already ended" in messages_of(admin_client.post(stop_of(mine), follow=True))[0]
    mine.refresh_from_db()
    assert mine.stopped == stopped


def test_stop__needs_its_permission_and_a_post(admin_client, staff):
    mine = experiment()
    assert admin_client.get(stop_of(mine)).status_code == 405
    viewer = staff("view_experiment")
    assert viewer.post(stop_of(mine)).status_code == 403
    page = text_of(viewer.get(page_of(mine)))
    assert stop_of(mine) not in page
    assert 'name="percent"' not in page
    mine.refresh_from_db()
    assert mine.running
    staff("view_experiment", "change_experiment").post(stop_of(mine))
    mine.refresh_from_db()
    assert not mine.running


def test_change__share_and_ramp_while_it_runs(admin_client):
    mine = experiment(share=0.1, ramp_hours=0)
    page = text_of(admin_client.get(page_of(mine)))
    assert 'name="percent" value="10.0"' in page
    assert 'name="version"' not in page
    assert "a lower share applies at once" in page
    tried = mine.version
    values = {"name": "Renamed", "percent": "60", "ramp_hours": "0", "version": version().pk}
    response = admin_client.post(page_of(mine), values, follow=True)
    mine.refresh_from_db()
    assert (mine.name, mine.share, mine.version) == ("Renamed", 0.6, tried)
    assert "60\xa0% of visitors" in messages_of(response)[0]


def change(admin_client, mine, **values):
    """Change an experiment by its form; return the share in the message, and the page's text."""
    fields = {"name": mine.name, "percent": f"{100 * mine.share:.1f}", "ramp_hours": "24"}
    response = admin_client.post(page_of(mine), {**fields, **values}, follow=True)
    mine.refresh_from_db()
    assert len(messages_of(response)) == 1
    return messages_of(response)[0].partition(" of visitors")[0], text_of(response)


def test_change__a_higher_share_after_the_ramp_grows_from_where_it_is(admin_client):
    mine = experiment(days=3, share=0.1)
    share, page = change(admin_client, mine, percent="50")
    # The share grows while the page is rendered, so the page may show 10.0 %.
    assert share in ("Saved. 10\xa0%", "Saved. 10.0\xa0%")
    assert "reaches 50\xa0% in 24 hours" in page
    began = mine.ramp_started
    for hours, expected in ((0, 0.1), (12, 0.3), (24, 0.5), (99, 0.5)):
        assert mine.share_at(began + timedelta(hours=hours)) == pytest.approx(expected)


def test_change__other_hours_go_on_from_where_it_is(admin_client):
    mine = experiment(days=0.5, share=0.5)
    before = mine.share_at(timezone.now())
    assert before == pytest.approx(0.255, abs=0.001)
    _, page = change(admin_client, mine, ramp_hours="100")
    assert mine.share_at(timezone.now()) == pytest.approx(before, abs=0.001)
    assert "reaches 50\xa0% in 100 hours" in page
    change(admin_client, mine, ramp_hours="0")
    assert mine.share_at(timezone.now()) == 0.5


def test_change__a_lower_share_counts_at_once(admin_client):
    mine = experiment(days=3, share=0.5)
    share, page = change(admin_client, mine, percent="5")
    assert share == "Saved. 5\xa0%"
    assert "reaches" not in page


def test_change__another_name_changes_nothing_else(admin_client):
    mine = experiment(days=0.5, share=0.3333)
    before = (mine.share, mine.first_share, mine.ramp_started)
    change(admin_client, mine, name="Renamed")
    assert mine.name == "Renamed"
    assert (mine.share, mine.first_share, mine.ramp_started) == before


def test_change__not_after_it_ended(admin_client):
    mine = experiment()
    mine.stop()
    values = {"name": "Renamed", "percent": "60", "ramp_hours": "0"}
    assert admin_client.post(page_of(mine), values).status_code == 403
    mine.refresh_from_db()
    assert mine.name == "New model"


def test_page__leads_to_activation_which_ends_it(admin_client, sold):
    tried = reindex().version
    rebuild()
    tried.refresh_from_db()
    mine = experiment(version=tried)
    activate = reverse("admin:visualsearch_activate", args=[tried.pk])
    assert activate in text_of(admin_client.get(page_of(mine)))
    assert "The experiment “New model” ends" in text_of(admin_client.get(activate))
    response = admin_client.post(activate, follow=True)
    assert any("The experiment “New model” has ended" in each for each in messages_of(response))
    page = text_of(admin_client.get(page_of(mine)))
    assert f"The experiment ended when version {tried.pk} was activated" in page
    assert activate not in page


def test_page__its_version_was_deleted(admin_client):
    mine = experiment()
    IndexVersion.objects.all().delete()
    assert "a version that was deleted" in text_of(admin_client.get(page_of(mine)))


def test_notice__on_other_pages_while_it_runs(admin_client, staff):
    for url in (OVERVIEW, INSIGHTS):
        assert "vs-notice" not in text_of(admin_client.get(url))
    mine = experiment(ramp_hours=0)
    leave_traces(days=2, per_day=400, experiment=mine, treatment=BAD)
    for url in (OVERVIEW, INSIGHTS):
        page = text_of(admin_client.get(url))
        assert page_of(mine) in page
        assert "50\xa0% of visitors" in page
        assert "worse: stop the experiment" in page
    assert "vs-notice" not in text_of(staff("view_query").get(INSIGHTS))
    mine.stop()
    assert "vs-notice" not in text_of(admin_client.get(OVERVIEW))


def test_list__asks_the_database_no_more_with_more_experiments(admin_client, queries):
    experiment(running=None, stopped=timezone.now())
    before = queries(admin_client, LIST)
    for _ in range(3):
        experiment(running=None, stopped=timezone.now())
    assert queries(admin_client, LIST) == before


def test_nobody__deletes_experiments(admin_client):
    mine = experiment(running=None, stopped=timezone.now())
    url = reverse("admin:visualsearch_experiment_delete", args=[mine.pk])
    assert admin_client.post(url, {"post": "yes"}).status_code == 403
    assert Experiment.objects.exists()


def test_page__counts_real_searches_and_clicks(admin_client, client, sold):
    reindex()
    tried = rebuild()
    rebuild()
    tried.refresh_from_db()
    mine = experiment(version=tried, ramp_hours=0)
    for visitor in range(24):
        shown = SimpleUploadedFile("p.png", encoded(picture(3), "PNG"), "image/png")
        url = "/api/visual-search/search/"
        found = client.post(url, {"image": shown, "visitor": f"visitor {visitor}"}).json()
        event = {"query_id": found["query_id"], "event": "click", "product": "P3"}
        if visitor % 2:
            told = client.post("/api/visual-search/events/", event, "application/json")
            assert told.status_code == 201
    compared = admin_client.get(page_of(mine)).context["found"]
    assert compared.control + compared.treatment == 24
    assert min(compared.control, compared.treatment) > 4
    insights = admin_client.get(INSIGHTS).context["found"]
    assert (insights.totals.searches, insights.totals.clicked) == (24, 12)
    assert insights.ranks[0].clicks.part == 12
