"""The page of evaluated cases: filters without scripts, both themes, small screens."""

from __future__ import annotations

import pytest

from tests.helpers.pictures import picture
from visualsearch.metrics.photo_page import Book, Case, Shown, Table, Thumbnails, write


@pytest.fixture
def address(tmp_path):
    """A page of three cases: found first, found third, and not found."""
    thumbnails = Thumbnails(tmp_path)
    names = [thumbnails.add(picture(n)) for n in range(6)]
    cases = [
        Case(
            photo=Shown(picture=names[0], name="asked.jpg"),
            answer=Shown(picture=names[1], name="A hat (H1)"),
            rank=rank,
            hits=[
                Shown(picture=names[n], name=f"Hit {n}", note="0.512", right=n + 1 == rank)
                for n in range(5)
            ],
            category=category,
            view="back",
        )
        for rank, category in ((1, "Hats"), (3, "Hats"), (None, "Shoes"))
    ]
    figures = Table(
        title="By category", columns=["", "photos", "recall@1"],
        rows=[["Hats", "2", "0.500 [0.000, 1.000]"]],
    )  # fmt: skip
    return write(tmp_path, Book(title="Cases", tables=[figures], cases=cases)).as_uri()


@pytest.fixture
def opened(chromium, address):
    """A function that opens the page with scripts disabled."""
    pages = []

    def opening(scripts=False, **options):
        context = chromium.new_context(java_script_enabled=scripts, **options)
        pages.append(context)
        page = context.new_page()
        page.goto(address)
        return page

    yield opening
    for context in pages:
        context.close()


def test_casebook__filters(opened):
    page = opened()
    shown = page.locator(".case:visible")
    assert shown.count() == 3
    page.get_by_label("in the top 5 (1)").check()
    assert shown.count() == 1
    assert "rank 3" in shown.inner_text()
    page.get_by_label("all (3)").check()
    page.get_by_label("Hats").check()
    assert shown.count() == 2
    page.get_by_label("lower or not found (1)").check()
    assert shown.count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_casebook__is_accessible(opened, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(scripts=True, color_scheme=scheme, viewport={"width": width, "height": 900})
    problems = axe.run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in problems] == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_casebook__themes_differ(opened):
    colours = set()
    for scheme in ("light", "dark"):
        page = opened(scripts=True, color_scheme=scheme)
        colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert page.locator("img").first.evaluate("img => img.naturalWidth") > 0
    assert len(colours) == 2
