"""The shop's pages without JavaScript, on a phone, and in dark mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shop.models import Product
from tests.browser.navigation import close, follow
from tests.browser.storefront import WAIT
from tests.helpers.pictures import encoded, picture, plain
from tests.helpers.reindex import reindex
from visualsearch.models import Event, IndexVersion

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
SCREENS = pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])


@pytest.fixture
def stocked(sell, monkeypatch) -> list[Product]:
    """Twenty products in two categories; the first has three pictures and another colour."""
    monkeypatch.setattr("shop.visual.WORDS", {"red": {"red"}})
    products = []
    for n in range(20):
        pictures = [picture(n), *(picture(40 + extra) for extra in range(2) if n == 0)]
        products.append(
            sell(
                f"P{n}",
                *pictures,
                category="Reds" if n < 4 else "Others",
                name=f"Article {n}",
                price=f"{10 + n}.00",
                color=["red", "navy"][n % 2],
                style="S" if n < 2 else "",
            )
        )
    sell("RED", plain("red"), category="Reds", name="All red", color="red", price="5.00")
    reindex()
    return products


@pytest.fixture
def visit(live_server, chromium, settings) -> Iterator[Callable[..., Any]]:
    """A function that opens a page in a new window; fails on browser errors."""
    settings.MIDDLEWARE = ["tests.browser.policy.with_pictures", *settings.MIDDLEWARE]
    contexts, complaints = [], []

    def open_window(**options: Any) -> Any:
        context = chromium.new_context(base_url=live_server.url, **options)
        context.set_default_timeout(WAIT)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.complaints = complaints
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_window
    for context in contexts:
        close(context)
    assert not complaints


def photo(image: Any) -> dict[str, Any]:
    return {"name": "p.png", "mimeType": "image/png", "buffer": encoded(image, "PNG")}


def shown(page: Any) -> list[str]:
    """Return the names of the products on a result page."""
    return [text.strip() for text in page.locator(".vs-found .card__name").all_inner_texts()]


@SCREENS
def test_search__without_javascript(visit, stocked, screen):
    page = visit(java_script_enabled=False, **screen)
    page.goto("/")
    page.locator(".hero").get_by_label("Take or choose a photo").set_input_files(photo(picture(6)))
    follow(page.locator(".hero").get_by_role("button", name="Search"))
    page.get_by_role("heading", name="Products like your photo").wait_for()
    assert shown(page)[0] == "Article 6"
    assert page.get_by_role("img", name="Your photo").evaluate("img => img.naturalWidth") > 0
    first = shown(page)
    follow(page.get_by_role("link", name="More products"))
    assert "photo=" in page.url
    assert len(shown(page)) == 8  # twenty articles and one in another colour
    assert not set(first) & set(shown(page))
    page.reload()
    assert len(shown(page)) == 8


@SCREENS
def test_results__classes_filters_and_orderings_without_javascript(visit, stocked, screen):
    page = visit(java_script_enabled=False, **screen)
    page.goto("/search/photo/")
    page.set_input_files("[name=image]", photo(plain("red")))
    follow(page.locator(".vs-page").get_by_role("button", name="Search"))
    chips = page.get_by_role("navigation", name="Recognised in your photo")
    chosen = chips.locator("[aria-current]")
    assert chosen.inner_text().startswith("Red")
    assert len(shown(page)) == 4  # two are one style
    follow(chips.get_by_role("link", name="Everything"))
    assert len(shown(page)) == 12
    page.get_by_text("Filter and sort").click()
    page.get_by_label("Colour").select_option("navy")
    page.get_by_label("Price, up to").fill("20")
    page.get_by_label("Sort by").select_option(label="Price, high to low")
    follow(page.get_by_role("button", name="Apply"))
    assert shown(page) == [f"Article {n}" for n in (9, 7, 5, 3, 1)]
    assert page.get_by_label("Colour").input_value() == "navy"
    assert page.get_by_label("Price, up to").input_value() == "20"
    follow(page.get_by_role("link", name="Clear filters"))
    assert shown(page)[0] == "Article 19"


@SCREENS
def test_gallery__by_its_buttons_without_javascript(visit, stocked, screen):
    page = visit(java_script_enabled=False, **screen)
    page.goto(stocked[0].get_absolute_url())
    large = page.locator(".gallery__large img")
    assert [each.is_visible() for each in large.all()] == [True, False, False]
    page.get_by_role("img", name="Picture 3", exact=True).click()
    assert [each.is_visible() for each in large.all()] == [False, False, True]
    page.keyboard.press("ArrowUp")
    assert [each.is_visible() for each in large.all()] == [False, True, False]
    assert not page.get_by_role("button", name="Find similar").is_visible()
    follow(page.get_by_role("link", name="Navy", exact=True))
    assert page.get_by_role("heading", name="Article 1").is_visible()


def test_find_similar__searches_by_the_picture(visit, stocked):
    page = visit(**DESKTOP)
    page.goto(stocked[0].get_absolute_url())
    page.get_by_role("button", name="Find products similar to Article 0").first.click()
    page.wait_for_url("**/search/photo/?photo=*")
    names = page.locator("visual-search[history] [part=name]")
    names.get_by_text("Article 0", exact=True).wait_for()


def test_results__are_taken_over_by_the_component(visit, stocked):
    page = visit(**PHONE)
    page.goto("/")
    page.locator("visual-search:not([compact]) #files").set_input_files(photo(picture(6)))
    page.wait_for_url("**/search/photo/?photo=*")
    names = page.locator("visual-search[history] [part=name]")
    names.first.wait_for()
    assert names.first.inner_text() == "Article 6"
    assert not page.locator(".vs-result").is_visible()


def test_search__down_still_has_a_shop_around_it(visit, stocked):
    IndexVersion.objects.all().delete()
    page = visit(java_script_enabled=False, **PHONE)
    page.goto("/search/photo/")
    page.set_input_files("[name=image]", photo(picture(6)))
    with page.expect_console_message() as complaint:
        follow(page.locator(".vs-page").get_by_role("button", name="Search"))
    assert "503" in complaint.value.text
    page.complaints.clear()
    assert page.get_by_role("alert").inner_text()
    assert page.get_by_role("heading", name="Meanwhile, have a look around").is_visible()
    assert len(shown(page)) == 12
    words = page.get_by_role("searchbox", name="Search the shop")
    words.fill("article 7")
    follow(words, key="Enter")
    follow(page.get_by_role("link", name="Article 7"))
    assert page.get_by_role("heading", name="Article 7").is_visible()
    assert not page.get_by_role("heading", name="Similar products").count()


def pages_of(stocked: list[Product]) -> list[str]:
    product = stocked[0].get_absolute_url()
    return ["/", "/category/others/", product, "/?q=zzz", "/search/photo/", "/basket/"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@SCREENS
def test_pages__are_accessible_and_fit(visit, stocked, screen, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit(color_scheme=scheme, bypass_csp=True, **screen)
    found: list[tuple[str, ...]] = []
    for path in pages_of(stocked):
        page.goto(path)
        page.wait_for_function("!!customElements.get('visual-search')")
        found += problems(axe, page, path)
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@SCREENS
def test_results__are_accessible_without_javascript(visit, stocked, screen, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    quiet = visit(java_script_enabled=False, **screen)
    quiet.goto("/search/photo/")
    quiet.set_input_files("[name=image]", photo(plain("red")))
    follow(quiet.locator(".vs-page").get_by_role("button", name="Search"))
    address = quiet.get_by_role("link", name="Everything").get_attribute("href")
    page = visit(color_scheme=scheme, bypass_csp=True, **screen)
    page.route(
        "**/visual-search*.js", lambda route: route.fulfill(body="", content_type="text/javascript")
    )
    page.goto(f"{address}&max_price=20")
    assert page.locator(".vs-filters[open]").count() == 1
    assert problems(axe, page, "results") == []


def problems(axe: Any, page: Any, name: str) -> list[tuple[str, ...]]:
    """Return the violations found by axe, and whether the page is wider than the window."""
    found = [
        (name, problem["id"], *(str(node["target"]) for node in problem["nodes"]))
        for problem in axe.run(page).response["violations"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        found.append((name, "is wider than the window"))
    return found


@SCREENS
def test_basket__click_basket_and_purchase_are_counted(visit, stocked, screen):
    page = visit(**screen)
    page.goto("/search/photo/")
    page.locator("visual-search[history] #files").set_input_files(photo(picture(6)))
    card = page.locator("visual-search[history] .card").first
    card.wait_for()
    with page.expect_request("**/events/"):
        follow(card)
    follow(page.get_by_role("button", name="Add to basket"))
    assert page.get_by_role("link", name="Basket 1").is_visible()
    follow(page.get_by_role("button", name="Buy"))
    assert page.get_by_role("heading", name="Thank you").is_visible()
    close(page.context)
    kinds = Event.objects.order_by("kind").values_list("kind", "item", "rank")
    assert list(kinds) == [(kind, "P6", 1) for kind in ("basket", "click", "purchase")]
