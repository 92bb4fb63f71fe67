"""The admin in a browser: live run cards, search by photo, keyboard, small screens."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.browser.navigation import follow
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import rebuild, reindex
from tests.helpers.rules import rule
from visualsearch.models import Finding, Query, RepeatedPicture, Run
from visualsearch.reindex import run_row, runs

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = "/admin/visualsearch/run/"
PHOTO = "/admin/visualsearch/indexversion/photo/"
PAGES = [
    "/admin/visualsearch/",
    "/admin/visualsearch/indexversion/overview/",
    RUNS,
    "/admin/visualsearch/embedding/",
    "/admin/visualsearch/indexversion/",
    "/admin/visualsearch/indexversion/compare/",
    "/admin/visualsearch/indexversion/roll-back/",
    "/admin/visualsearch/indexversion/similar/?item=P1",
    PHOTO,
    "/admin/visualsearch/query/",
    "/admin/visualsearch/rankingrule/",
    "/admin/visualsearch/rankingrule/add/",
    "/admin/visualsearch/rankingrule/1/change/",
    "/admin/visualsearch/finding/check/",
    "/admin/visualsearch/finding/",
]
# Elements of Django's own list pages.
STOCK = ["#changelist-filter", "#toolbar", ".actions", ".paginator", "#changelist-search"]


@pytest.fixture
def indexed(sold):
    """Eight products in two versions, the second one active."""
    reindex()
    return rebuild()


def choose_photo(owner, seed=3):
    owner.set_input_files(
        "[name=image]",
        {"name": "p.png", "mimeType": "image/png", "buffer": encoded(picture(seed), "PNG")},
    )


def test_card__follows_the_run_to_its_end(owner, sold):
    run, _ = runs.request(Run.Scope.ALL)
    run_row.claim(run)
    Run.objects.update(items=40, done=4, stage="encoding", worked=2.0)
    owner.goto(RUNS)
    card = owner.locator(".vs-run")
    status = card.get_by_role("status")
    card.get_by_text("4 of 40 products").wait_for()
    Run.objects.update(done=25, heartbeat=timezone.now())
    card.get_by_text("25 of 40 products").wait_for()
    assert "60 %" in status.text_content()
    assert owner.locator(".vs-run progress").evaluate("bar => bar.value / bar.max") == 0.625
    assert card.get_by_role("button", name="Pause").is_visible()
    assert not card.get_by_role("button", name="Resume").is_visible()
    Run.objects.update(heartbeat=timezone.now() - timedelta(hours=1))
    card.get_by_role("button", name="Resume").wait_for()
    assert card.get_by_text("no heartbeat", exact=True).is_visible()
    Run.objects.update(state="finished", open=None, finished=timezone.now(), done=40)
    card.get_by_text("finished", exact=True).wait_for()
    assert (
        not card.get_by_role("button").count() or not card.get_by_role("button").first.is_visible()
    )


def test_card__stops_asking_when_the_run_has_ended(owner, sold):
    run, _ = runs.request(Run.Scope.ALL)
    owner.clock.install()
    owner.goto(RUNS)
    with owner.expect_response("**/progress/"):
        pass
    runs.cancel(run)  # between two polls, because reading in-memory SQLite locks whole tables
    owner.locator(".vs-run").get_by_text("cancelled", exact=True).wait_for()
    asked = []
    owner.on("request", lambda request: asked.append(request.url))
    owner.clock.run_for(60_000)  # the page's clock, so that all remaining timers fire
    assert owner.evaluate("document.readyState") == "complete"
    assert asked == []


def test_run__by_keyboard(owner, sold):
    owner.goto(RUNS)
    owner.get_by_role("button", name="All products").focus()
    owner.keyboard.press("Enter")
    owner.get_by_text("8 unchanged").wait_for()
    run, _ = runs.request(Run.Scope.ALL)
    owner.goto(RUNS)
    owner.get_by_role("button", name="Pause").press("Enter")
    owner.get_by_role("button", name="Resume").press("Enter")
    owner.get_by_text("8 unchanged").wait_for()
    run.refresh_from_db()
    assert run.state == Run.State.FINISHED


def test_photo__in_two_versions(owner, indexed):
    owner.goto(PHOTO)
    choose_photo(owner)
    owner.get_by_label("Compare with").select_option(index=2)
    follow(owner.get_by_role("button", name="Search"))
    assert owner.locator(".vs-columns > section").count() == 2
    assert owner.locator(".vs-hits").first.locator("a").first.text_content() == "Product P3 (P3)"
    assert owner.locator(".vs-photo img").first.evaluate("img => img.naturalWidth") > 0
    assert not Query.objects.exists()


def test_activate__after_a_question(owner, indexed):
    owner.goto("/admin/visualsearch/indexversion/")
    follow(owner.get_by_role("link", name="Roll back to version"))
    follow(owner.get_by_role("button", name="Yes, activate version"))
    owner.get_by_text("is now active").wait_for()


def test_pages__are_accessible_and_fit_a_phone(owner, indexed):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    rule("boost", pk=1, filters="min_price=12")
    RepeatedPicture.objects.create(content_hash="x", image="products/P0-0.png", items=10)
    for kind in Finding.Kind.values:
        Finding.objects.create(kind=kind, item="P1", image="products/P1-0.png", tag="colour")
    runs.pause(runs.request(Run.Scope.ALL)[0])
    context = {"include": [["#content"]], "exclude": [[place] for place in STOCK]}
    found: list[tuple[str, ...]] = []
    for path in PAGES:
        owner.goto(path)
        if path == PHOTO:
            choose_photo(owner)
            follow(owner.get_by_role("button", name="Search"))
        for problem in axe.run(owner, context=context).response["violations"]:
            places = [str(node["target"]) for node in problem["nodes"]]
            found.append((path, problem["id"], *places))
        owner.set_viewport_size({"width": 390, "height": 844})
        if owner.evaluate("document.documentElement.scrollWidth") > 390:
            found.append((path, "is wider than a phone"))
        owner.set_viewport_size({"width": 1280, "height": 900})
    assert found == []


def test_colours__contrast(owner, indexed):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for state in ("finished", "with_failures", "failed", "cancelled"):
        Run.objects.create(state=state, open=None, failed=1)
    Run.objects.create(state="running", worker="elsewhere:1:x", heartbeat=timezone.now())
    context = {"include": [[".vs-run"], ["#result_list"]]}
    rules = {"runOnly": ["color-contrast"]}
    for theme in ("light", "dark"):
        owner.emulate_media(color_scheme=theme)
        owner.goto(RUNS)  # reload, because colours of an open page change gradually
        answer = axe.run(owner, context=context, options=rules).response
        assert len(answer["passes"]) == 1
        assert [node["html"] for each in answer["violations"] for node in each["nodes"]] == []
