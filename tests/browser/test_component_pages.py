"""The component in pages: URLs, the shop's pages, dialogs, other origins."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.navigation import follow
from tests.browser.test_component import FORGET

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/examples/elsewhere.html"


@pytest.fixture
def photo(storefront):
    return storefront.photos()[0]


def address(visitor):
    """Return the query parameters of the page's URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(visitor.page.url).query).items()}


def names(visitor):
    return visitor.tag.locator("#grid .name").all_text_contents()


def compact(visitor):
    return visitor.page.locator("visual-search[compact]")


def test_history__back_forward_and_reload_show_the_same(visit, screen, photo):
    visitor = visit("/search/photo/", screen)
    visitor.search(photo)
    first = names(visitor)
    assert address(visitor)["category"] == "auto"
    visitor.tag.get_by_label("Sort", exact=True).select_option("-price")
    visitor.page.wait_for_url("**ordering=-price*")
    visitor.settled()
    sorted_ = names(visitor)
    assert sorted_ != first
    visitor.page.go_back()
    visitor.page.wait_for_url(lambda url: "ordering" not in url)
    visitor.settled()
    assert names(visitor) == first
    visitor.page.go_forward()
    visitor.page.wait_for_url("**ordering=-price*")
    visitor.settled()
    assert names(visitor) == sorted_
    visitor.page.reload()
    visitor.wait_for_results()
    assert names(visitor) == sorted_
    assert visitor.part("frame").locator("canvas").is_visible()
    visitor.page.go_back()
    visitor.page.go_back()
    visitor.part("choose").wait_for()
    assert len(visitor.photos_sent) == 1


def test_history__a_part_is_kept_in_the_address(visit, photo):
    visitor = visit("/search/photo/")
    visitor.search(photo)
    visitor.part("smaller").click()
    visitor.page.wait_for_url("**crop=*")
    crop = [float(each) for each in address(visitor)["crop"].split(",")]
    visitor.page.reload()
    visitor.wait_for_results()
    frame, box = visitor.part("frame").bounding_box(), visitor.part("box").bounding_box()
    assert (box["x"] - frame["x"]) / frame["width"] == pytest.approx(crop[0], abs=0.01)
    assert box["width"] / frame["width"] == pytest.approx(crop[2], abs=0.01)


def test_link__to_a_search_of_somebody_else(visit, photo):
    visitor = visit("/search/photo/")
    visitor.search(photo)
    friend = visit(visitor.page.url)
    friend.wait_for_results()
    assert names(friend) == names(visitor)
    assert friend.part("photo").is_hidden()


def test_expired_search__asks_for_the_photo(visit, photo):
    visitor = visit("/search/photo/?photo=00000000-0000-4000-8000-000000000000")
    visitor.expected.append("404")
    visitor.part("problem").wait_for()
    assert visitor.part("choose").is_visible()
    visitor.search(photo)
    assert address(visitor)["photo"] != "00000000-0000-4000-8000-000000000000"


def test_expired_search__photo_of_the_tab_is_sent_again(visit, storefront, photo):
    visitor = visit("/search/photo/")
    visitor.search(photo)
    storefront.manage("shell", "-c", FORGET)
    visitor.expected.append("404")
    visitor.page.reload()
    visitor.wait_for_results()
    assert [each.headers["content-type"] for each in visitor.photos_sent] == ["image/jpeg"] * 2


def test_compact__opens_searches_and_goes_to_the_results(visit, screen, photo):
    visitor = visit("/", screen)
    opener = compact(visitor).locator("#camera")
    box = opener.bounding_box()
    assert min(box["width"], box["height"]) >= 44
    opener.click()
    dialog = visitor.page.get_by_role("dialog", name="Search by photo")
    dialog.wait_for()
    visitor.page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    assert opener.evaluate("node => node.getRootNode().activeElement === node")
    opener.click()
    compact(visitor).locator("#files").set_input_files(photo)
    visitor.page.wait_for_url("**/search/photo/?photo=*")
    visitor.wait_for_results()
    assert "Bodycon dress" in visitor.cards.first.text_content()
    assert visitor.part("frame").locator("canvas").is_visible()
    assert len(visitor.photos_sent) == 1
    visitor.page.go_back()
    opener.wait_for()
    assert dialog.is_hidden()


def test_compact__escape_ends_the_search(visit, photo):
    visitor = visit("/")
    held = []
    visitor.page.route("**/search/?*", lambda route: held.append(route))
    compact(visitor).locator("#camera").click()
    compact(visitor).locator("#files").set_input_files(photo)
    visitor.until(lambda: held)
    with visitor.page.expect_event("requestfailed"):
        visitor.page.keyboard.press("Escape")
    visitor.page.unroute("**/search/?*")


def test_dialog__shows_results_where_no_page_does(visit, screen, photo):
    visitor = visit("/tag/dialog/", screen)
    visitor.part("camera").click()
    visitor.search(photo)
    dialog = visitor.page.get_by_role("dialog")
    assert dialog.get_by_role("heading", name="Products like your photo").is_visible()
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="hidden")


def test_find_similar__by_the_picture_of_a_product(visit, screen):
    visitor = visit("/category/hats/", screen)
    follow(visitor.page.locator(".card, .vs-card").first)
    name = visitor.page.locator("h1").text_content().strip()
    visitor.page.locator("[data-find-similar]").first.click()
    visitor.page.wait_for_url("**/search/photo/?photo=*")
    visitor.wait_for_results()
    assert names(visitor)[0] == name


def test_find_similar__picture_that_is_gone(visit):
    visitor = visit("/tag/plain/?picture=/media/gone.png")
    visitor.expected.append("404")
    visitor.part("drop").wait_for()
    visitor.page.get_by_role("button", name="Find similar").click()
    visitor.part("problem").get_by_text("cannot be loaded").wait_for()
    assert visitor.photos_sent == []


def test_without_the_script__the_form_is_there(visit):
    visitor = visit("/search/photo/", java_script_enabled=False)
    assert visitor.page.locator("visual-search form [type=file]").is_visible()


class Elsewhere(SimpleHTTPRequestHandler):
    """Serves the example page with the shop's origin filled in."""

    def __init__(self, *arguments, shop, **options):
        self.shop = shop
        super().__init__(*arguments, **options)

    def do_GET(self):
        body = b""
        if self.path == "/":
            body = EXAMPLE.read_text("utf-8").replace("https://shop.example", self.shop[0]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def test_another_origin(visit, screen, storefront, photo):
    shop = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Elsewhere, shop=shop))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    elsewhere = f"http://127.0.0.1:{server.server_port}"
    with storefront.served({"CORS_ALLOWED_ORIGINS": elsewhere}) as origin:
        shop.append(origin)
        visitor = visit("/", screen, origin=elsewhere)
        visitor.search(photo)
        assert "Bodycon dress" in visitor.cards.first.text_content()
        assert visitor.cards.first.get_attribute("href").startswith(origin)
        headers = visitor.photos_sent[0].all_headers()
        assert "cookie" not in headers
        assert headers["content-type"] == "image/jpeg"
        visitor.part("more").click()
        visitor.cards.nth(12).wait_for()
        visitor.context.close()
    server.shutdown()
    server.server_close()
