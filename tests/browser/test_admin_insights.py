"""Insights as they look and work: both themes, a phone and a wide screen.

``VISUALSEARCH_SCREENSHOTS=docs/images pytest tests/browser/test_admin_insights.py`` makes the
pictures of the documentation.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shop.models import Category
from tests.traces import leave_traces
from visualsearch.models import Storefront

pytestmark = pytest.mark.django_db(transaction=True)

INSIGHTS = "/admin/visualsearch/query/insights/"
SCREENS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture
def shoot(owner, tmp_path):
    """A picture of the whole page: into $VISUALSEARCH_SCREENSHOTS, or where the test ends."""
    folder = Path(os.environ.get("VISUALSEARCH_SCREENSHOTS", tmp_path))

    def take(name: str) -> None:
        owner.screenshot(path=folder / f"admin-{name}.png", full_page=True)

    return take


@pytest.fixture
def storefront(db) -> Storefront:
    shop = Storefront(name="Mobile app")
    shop.new_key()
    shop.save()
    return shop


@pytest.fixture
def month(sell, storefront) -> None:
    """Customers of the last 60 days, in a shop that sells no hats."""
    for name in ("Dresses", "Shirts", "Trousers", "Shoes", "T-shirts", "Jackets", "Skirts"):
        sell(f"S-{name}", category=name)
    assert Category.objects.count() == 7
    leave_traces(days=60, per_day=70, storefronts=[None, None, storefront])


def problems(page, axe) -> list[str]:
    """What is wrong on a page for who cannot see it well, or has a small screen."""
    found = [
        f"{each['id']}: {node['target']}"
        for each in axe.run(page, context={"include": [["#content"]]}).response["violations"]
        for node in each["nodes"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append("is wider than the screen")
    return found


def small_texts(page) -> list[str]:
    """Texts of plots that are too small to read, or overlap their neighbours on an axis."""
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
    shoot({"desktop-light": "insights"}.get(f"{screen}-{theme}", f"insights-{screen}-{theme}"))
