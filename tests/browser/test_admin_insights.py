"""Appearance and behaviour of Insights in both themes, on a phone and a wide screen.

``VISUALSEARCH_SCREENSHOTS=docs/images pytest tests/browser/test_admin_insights.py`` takes the
screenshots of the documentation.
"""

from __future__ import annotations

import io
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from PIL import Image

from shop.models import Category
from tests.browser.navigation import follow
from tests.helpers.pictures import encoded, picture
from tests.helpers.traces import BAD, leave_traces, version
from visualsearch.models import Experiment, KeptPhoto, Query, Storefront

pytestmark = pytest.mark.django_db(transaction=True)

INSIGHTS = "/admin/visualsearch/query/insights/"
SCREENS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def shoot(owner, tmp_path):
    """A function that saves a screenshot to $VISUALSEARCH_SCREENSHOTS or the test's folder."""
    folder = Path(os.environ.get("VISUALSEARCH_SCREENSHOTS", tmp_path))

    def take(name: str, height: int) -> None:
        box = owner.locator("#content").bounding_box()
        clip = {**box, "height": min(box["height"], height)}
        shot = Image.open(io.BytesIO(owner.screenshot(full_page=True, clip=clip)))
        shot.convert("RGB").quantize(96).save(folder / f"admin-{name}.png", optimize=True)

    return take


@pytest.fixture
def storefront(db) -> Storefront:
    shop = Storefront(name="Mobile app")
    shop.new_key()
    shop.save()
    return shop


@pytest.fixture
def month(sell, storefront) -> None:
    """Searches of the past 60 days, in a shop that sells no hats."""
    for name in ("Dresses", "Shirts", "Trousers", "Shoes", "T-shirts", "Jackets", "Skirts"):
        sell(f"S-{name}", category=name)
    assert Category.objects.count() == 7
    leave_traces(days=60, per_day=70, storefronts=[None, None, storefront])


def problems(page, axe) -> list[str]:
    """Return the accessibility violations of a page, and whether it is too wide."""
    found = [
        f"{each['id']}: {node['target']}"
        for each in axe.run(page, context={"include": [["#content"]]}).response["violations"]
        for node in each["nodes"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("is wider than the screen")
    return found


def small_texts(page) -> list[str]:
    """Return axis labels that are too small, cut off or overlapping."""
    return page.evaluate(
        """() => [...document.querySelectorAll(".vs-plot")].flatMap((plot) => {
          const boxes = [...plot.querySelectorAll(".vs-across")].map((each) => [
            each.textContent, each.getBoundingClientRect()]);
          const wrong = boxes.filter(([text, box], k) =>
            box.height < 11 || box.right > innerWidth || (k && boxes[k - 1][1].right > box.left));
          return wrong.map(([text]) => plot.getAttribute("aria-label") + ": " + text);
        })"""
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", sorted(SCREENS))
def test_insights__are_readable(owner, month, shoot, theme, screen):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    owner.emulate_media(color_scheme=theme)
    owner.set_viewport_size(SCREENS[screen])
    for days in (1, 7, 30):
        owner.goto(f"{INSIGHTS}?days={days}")
        assert problems(owner, axe) == []
        assert small_texts(owner) == []
    if (screen, theme) == ("desktop", "light"):
        shoot("insights", height=1050)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", sorted(SCREENS))
def test_searched_in_vain__is_readable(owner, month, theme, screen):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    expires = timezone.now() + timedelta(seconds=600)
    for n, query in enumerate(Query.objects.filter(matched=False).order_by("-created")[:20]):
        KeptPhoto.objects.create(pk=query.pk, jpeg=encoded(picture(n)), expires=expires)
        query.colour, query.words = "red", {"kilt": False}
        query.save()
    owner.emulate_media(color_scheme=theme)
    owner.set_viewport_size(SCREENS[screen])
    owner.goto("/admin/visualsearch/query/vain/?days=90")
    assert owner.get_by_role("heading", name="Photos, by likeness").is_visible()
    assert owner.locator(".vs-kinds img").first.evaluate("img => img.decode().then(() => true)")
    assert problems(owner, axe) == []
    owner.get_by_role("link", name="matched nothing", exact=True).click()
    assert owner.get_by_role("rowheader", name="kilt").is_visible()


@pytest.fixture
def experiment(db) -> Experiment:
    """An experiment on its third day with a model that finds less and takes longer."""
    version("active")
    started = timezone.now() - timedelta(days=2.6)
    return Experiment.objects.create(
        name="shopnet 2",
        version=version(),
        share=0.5,
        ramp_hours=96,
        started=started,
        ramp_started=started,
    )


def page_of(experiment: Experiment) -> str:
    return f"/admin/visualsearch/experiment/{experiment.pk}/change/"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", sorted(SCREENS))
def test_experiment__is_readable(owner, experiment, shoot, theme, screen):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    leave_traces(days=4, per_day=420, experiment=experiment, treatment=BAD)
    owner.emulate_media(color_scheme=theme)
    owner.set_viewport_size(SCREENS[screen])
    owner.goto(page_of(experiment))
    assert owner.locator(".vs-verdict").get_by_text("worse: stop the experiment").is_visible()
    assert problems(owner, axe) == []
    assert small_texts(owner) == []
    if (screen, theme) == ("desktop", "light"):
        shoot("experiment", height=1268)
    for path in ("/admin/visualsearch/experiment/", "/admin/visualsearch/indexversion/overview/"):
        owner.goto(path)
        assert problems(owner, axe) == []


def test_experiment__is_started_and_stopped_by_keyboard(owner, db):
    version("active")
    tried = version()
    owner.goto("/admin/visualsearch/experiment/")
    follow(owner.get_by_role("link", name="Start an experiment"), key="Enter")
    owner.get_by_label("Name").fill("New model")
    owner.get_by_label("Index version").select_option(str(tried.pk))
    owner.get_by_label("Share in percent").fill("20")
    follow(owner.get_by_role("button", name="Save"), key="Enter")
    owner.get_by_text("The experiment has started").wait_for()
    assert owner.locator(".vs-verdict").get_by_text("too early to say").is_visible()
    follow(owner.get_by_role("button", name="Stop the experiment"), key="Enter")
    owner.get_by_text("The experiment has ended").wait_for()
    assert Experiment.objects.get().running is None
