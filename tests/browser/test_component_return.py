"""Back from a product: the same results at the same place, without a new search."""

from __future__ import annotations

import pytest

from tests.browser.navigation import follow
from tests.browser.scenes import hat_and_skirt


@pytest.fixture
def photo(storefront):
    return storefront.photos()[0]


@pytest.fixture
def asked(visit):
    """A function that opens a page and records the requests of its API."""

    def come(path, screen="desktop"):
        visitor = visit(path, screen)
        urls = []
        visitor.page.on("request", lambda request: urls.append(request.url))
        return visitor, lambda: [url for url in urls if "/search/?" in url or "/queries/" in url]

    return come


def names(visitor):
    return visitor.tag.locator("#grid .name").all_text_contents()


def scroll(visitor):
    return visitor.page.evaluate("scrollY")


def go_back(visitor):
    visitor.page.go_back()
    visitor.cards.first.wait_for()


@pytest.mark.parametrize("path", ["/search/photo/", "/tag/plain/"])
def test_back__shows_the_same_at_the_same_place(asked, screen, photo, path):
    visitor, requests = asked(path, screen)
    visitor.search(photo)
    visitor.part("more").click()
    visitor.cards.nth(13).wait_for()
    visitor.settled()
    last = visitor.cards.nth(13)
    last.scroll_into_view_if_needed()
    visitor.page.wait_for_timeout(300)  # until smooth scrolling has ended
    before, place, searches = names(visitor), scroll(visitor), len(requests())
    assert place > 100
    follow(last)
    go_back(visitor)
    assert names(visitor) == before
    visitor.until(lambda: abs(scroll(visitor) - place) < 3)
    assert visitor.part("filters").locator(".pick").count()
    assert visitor.part("frame").locator("canvas").is_visible()
    assert len(requests()) == searches


def test_back__the_search_goes_on(visit, photo):
    visitor = visit("/search/photo/")
    visitor.search(photo)
    follow(visitor.cards.first)
    go_back(visitor)
    visitor.part("more").click()
    visitor.cards.nth(12).wait_for()
    visitor.tag.get_by_label("Sort", exact=True).select_option("price")
    visitor.page.wait_for_url("**ordering=price*")
    assert len(visitor.photos_sent) == 1


def test_back__to_an_outfit(asked):
    visitor, requests = asked("/search/photo/")
    visitor.search(hat_and_skirt())
    visitor.part("outfit").click()
    card = visitor.part("rows").locator(".card").first
    card.wait_for()
    visitor.settled()
    searches = len(requests())
    follow(card)
    visitor.page.go_back()
    card.wait_for()
    assert len(requests()) == searches


def test_reload__searches_anew(asked, photo):
    visitor, requests = asked("/search/photo/")
    visitor.search(photo)
    searches = len(requests())
    visitor.page.reload()
    visitor.wait_for_results()
    assert len(requests()) > searches
    assert len(visitor.photos_sent) == 1
