"""Screenshots and axe checks of the component in its main states.

``VISUALSEARCH_SCREENSHOTS=docs/images pytest tests/browser/test_component_look.py`` takes the
screenshots of the documentation.
"""

from __future__ import annotations

import pytest
from PIL import Image

from tests.browser.scenes import hat_and_skirt, scene
from tests.browser.test_component import file_of

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
SMALL = """() => [...document.querySelectorAll('visual-search')].flatMap((tag) =>
    [...tag.shadowRoot.querySelectorAll('button, select, a, input')].filter((node) => {
        const { width, height } = node.getBoundingClientRect();
        return node.checkVisibility() && (width < 44 || height < 44);
    }).map((node) => node.outerHTML))"""


@pytest.fixture
def scheme(screen):
    """The colour scheme: dark on the phone, light on the desktop, which covers both."""
    return "dark" if screen == "phone" else "light"


@pytest.fixture
def photo(storefront):
    return storefront.photos()[3]


@pytest.fixture
def look(visit, screen, scheme, screenshot):
    """A function that opens a page, acts on it, takes a screenshot and checks accessibility."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def judge(name, path, act):
        # The shop's policy would block the script of axe.
        visitor = visit(path, screen, color_scheme=scheme, bypass_csp=True)
        act(visitor)
        screenshot(visitor, f"{name}-{screen}{'-dark' * (scheme == 'dark')}")
        found = axe.run(visitor.page, options=RULES)
        broken = [(each["id"], each["nodes"]) for each in found.response["violations"]]
        assert not broken
        assert not visitor.page.evaluate(SMALL)

    return judge


def test_start(look):
    look("start", "/search/photo/", lambda visitor: visitor.part("drop").wait_for())


def test_dialog(look):
    def act(visitor):
        visitor.page.locator("visual-search[compact] #camera").click()
        visitor.page.get_by_role("dialog").wait_for()

    look("dialog", "/", act)


def test_working(look, photo):
    def act(visitor):
        visitor.page.route("**/search/?*", lambda route: None)
        visitor.choose(photo)
        visitor.part("frame").locator("canvas").wait_for()

    look("working", "/search/photo/", act)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_results(look, photo):
    look("results", "/search/photo/", lambda visitor: visitor.search(photo))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_objects(look):
    def act(visitor):
        # The skirts that look like the second thing have variants.
        visitor.search(scene("ou06-yel", "sk02-nav"))
        visitor.part("dots").get_by_role("button", name="Skirt").click()
        visitor.page.wait_for_url("**object=*")
        visitor.settled()
        visitor.part("grid").locator(".swatch").first.wait_for()

    look("objects", "/search/photo/", act)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_outfit(look):
    def act(visitor):
        visitor.search(hat_and_skirt())
        visitor.part("outfit").click()
        visitor.part("rows").locator(".card").first.wait_for()
        visitor.settled()

    look("outfit", "/search/photo/", act)


def test_words(look, photo):
    def act(visitor):
        visitor.search(photo)
        words = visitor.part("words").get_by_label("Describe it")
        words.fill("red")
        words.press("Enter")
        visitor.page.wait_for_url("**q=red*")
        visitor.settled()

    look("words", "/search/photo/", act)


def test_nothing_found(look, photo):
    def act(visitor):
        visitor.search(photo)
        visitor.page.goto(f"{visitor.page.url}&max_price=0.01")
        visitor.heading.get_by_text("No products match").wait_for()

    look("nothing-found", "/search/photo/", act)


def test_filtered(look, photo):
    def act(visitor):
        visitor.search(photo)
        visitor.tag.locator("button.on").click()
        visitor.page.wait_for_url(lambda url: "category" not in url)
        visitor.wait_for_results()
        visitor.tag.get_by_label("Sort", exact=True).select_option("price")
        visitor.page.wait_for_url("**ordering=price*")
        visitor.settled()

    look("filtered", "/search/photo/", act)


def test_no_match(look):
    noise = file_of(Image.effect_noise((600, 600), 120).convert("RGB"))
    look("no-match", "/search/photo/", lambda visitor: visitor.search(noise))


def test_failure(look, photo):
    def act(visitor):
        visitor.expected.append("net::ERR")
        visitor.context.set_offline(True)
        visitor.choose(photo)
        visitor.part("problem").wait_for()

    look("failure", "/search/photo/", act)
