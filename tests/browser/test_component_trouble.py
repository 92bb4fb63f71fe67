"""The component with a failing network or server, bad files, or too many photos."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from PIL import Image

from tests.browser.test_component import file_of

SLOW = {"latency": 100, "downloadThroughput": -1}  # of ms and bytes a second


@pytest.fixture
def photo(storefront):
    return storefront.photos()[0]


def throttle(visitor, bytes_a_second):
    session = visitor.context.new_cdp_session(visitor.page)
    session.send("Network.enable")
    values = {"offline": False, "uploadThroughput": bytes_a_second, **SLOW}
    session.send("Network.emulateNetworkConditions", values)


def hold_back(visitor):
    """Hold uploads back; return a function that lets them continue."""
    held = []
    visitor.page.route("**/search/?*", lambda route: held.append(route))

    def let_go():
        for route in held:
            route.continue_()
        visitor.page.unroute("**/search/?*")

    return let_go


def test_slow_upload__shows_the_photo_and_how_much_is_sent(visit, screen):
    visitor = visit("/tag/plain/", screen)
    throttle(visitor, 40_000)
    visitor.choose(file_of(Image.effect_noise((900, 900), 60).convert("RGB")))
    visitor.part("frame").locator("canvas").wait_for()
    assert visitor.part("doing").text_content() == "Sending your photo…"
    bar = visitor.part("progress")
    seen = set()
    # Do not wait for “Searching…”, which a slow test may miss.
    while visitor.part("doing").text_content() == "Sending your photo…":
        seen.add(bar.evaluate("bar => bar.value"))
        visitor.page.wait_for_timeout(100)
    assert len(seen) > 2
    visitor.wait_for_results()


def test_slow_search__says_that_it_still_works(visit, screen, photo):
    visitor = visit("/tag/plain/", screen)
    let_go = hold_back(visitor)
    visitor.choose(photo)
    visitor.part("doing").get_by_text("longer than usual").wait_for()
    assert visitor.part("cancel").is_visible()
    let_go()
    visitor.wait_for_results()


def test_cancel__ends_the_request(visit, screen, photo):
    visitor = visit("/tag/plain/", screen)
    hold_back(visitor)
    ended = []
    visitor.page.on("requestfailed", lambda request: ended.append(request.failure))
    visitor.choose(photo)
    visitor.until(lambda: visitor.is_focused("cancel"))
    visitor.until(lambda: visitor.photos_sent)
    visitor.page.keyboard.press("Enter")
    visitor.part("choose").wait_for()
    visitor.until(lambda: ended)
    assert ended == ["net::ERR_ABORTED"]
    assert visitor.part("error").is_hidden()
    visitor.page.unroute("**/search/?*")
    visitor.search(photo)


def test_network_down__keeps_the_photo_for_another_try(visit, screen, photo):
    visitor = visit("/tag/plain/", screen)
    visitor.load()
    visitor.expected.append("net::ERR_INTERNET_DISCONNECTED")
    visitor.context.set_offline(True)
    visitor.choose(photo)
    visitor.tag.get_by_role("alert").filter(has_text="Check your connection").wait_for()
    assert visitor.part("frame").locator("canvas").is_visible()
    visitor.context.set_offline(False)
    visitor.part("again").click()
    visitor.wait_for_results()
    assert visitor.part("error").is_hidden()


def test_network_down__before_the_files_of_a_search_have_come(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.part("drop").wait_for()
    visitor.expected.append("net::ERR_INTERNET_DISCONNECTED")
    visitor.context.set_offline(True)
    visitor.choose(photo)
    visitor.tag.get_by_role("alert").filter(has_text="Check your connection").wait_for()
    visitor.context.set_offline(False)
    visitor.part("again").click()
    visitor.wait_for_results()
    assert visitor.part("error").is_hidden()


def test_network_down__at_a_filter_keeps_the_results(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.search(photo)
    visitor.expected.append("net::ERR_INTERNET_DISCONNECTED")
    visitor.context.set_offline(True)
    visitor.tag.get_by_label("Sort", exact=True).select_option("price")
    visitor.part("problem").wait_for()
    assert visitor.part("error").evaluate("node => node.getRootNode().activeElement === node")
    assert visitor.cards.count() == 12
    visitor.context.set_offline(False)
    visitor.part("again").click()
    visitor.settled()
    visitor.part("error").wait_for(state="hidden")


def test_no_index__says_when_to_try_again(visit, storefront, photo, tmp_path):
    empty = {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}"}
    storefront.manage("migrate", "--verbosity=0", **empty)
    with storefront.served(empty) as origin:
        visitor = visit("/tag/plain/", origin=origin)
        visitor.expected.append("503")
        visitor.choose(photo)
        visitor.part("problem").get_by_text("You can try again in 30 s.").wait_for()
        assert visitor.part("again").is_disabled()
        visitor.context.close()


def test_throttled__try_again_works_after_the_time_it_says(visit, storefront, photo):
    with storefront.served(THROTTLE={"search": "1/sec", "read": "300/min"}) as origin:
        visitor = visit("/tag/plain/", origin=origin)
        visitor.expected.append("429")

        def after_another(route):
            """Use up the limit, then pass the 429 response to the page."""
            while True:
                try:
                    urlopen(Request(f"{origin}/api/visual-search/search/", method="POST"))
                except HTTPError as error:
                    if error.code == 429:
                        headers, body = dict(error.headers), error.read()
                        return route.fulfill(status=429, headers=headers, body=body)

        visitor.page.route("**/search/?*", after_another, times=1)
        visitor.part("again").evaluate(
            "again => new MutationObserver(() => { window.wasDisabled ||= again.disabled; })"
            ".observe(again, {attributes: true})"
        )
        visitor.choose(photo)
        visitor.part("problem").get_by_text("You can try again in 1 s.").wait_for()
        assert visitor.page.evaluate("window.wasDisabled")
        assert visitor.tag.get_by_role("alert").text_content()
        visitor.part("again").click()  # waits until it is enabled
        visitor.wait_for_results()
        visitor.context.close()


def test_no_picture__is_refused_at_once(visit, screen):
    visitor = visit("/tag/plain/", screen)
    visitor.choose(
        {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": b"<html>not one</html>"}
    )
    visitor.part("problem").get_by_text("not an image. Choose one of").wait_for()
    assert visitor.photos_sent == []
    assert visitor.part("choose").is_visible()
    assert visitor.part("again").is_hidden()


def test_too_large__where_the_browser_cannot_shrink_it(visit):
    visitor = visit("/tag/plain/")
    heic = b"\0\0\0\x18ftypheic" + b"\0" * 12_000_001
    visitor.choose({"name": "p.heic", "mimeType": "image/heic", "buffer": heic})
    visitor.part("problem").get_by_text("larger than 12 MB").wait_for()
    assert visitor.photos_sent == []


def test_unreadable_for_the_browser__the_server_says_what_it_is(visit):
    visitor = visit("/tag/plain/")
    visitor.expected.append("415")
    film = b"\0\0\0\x18ftypmp42" + b"\0" * 5000
    visitor.choose({"name": "p.mp4", "mimeType": "image/heic", "buffer": film})
    visitor.part("problem").get_by_text("not an image in a supported format").wait_for()
    assert len(visitor.photos_sent) == 1
    assert visitor.photos_sent[0].headers["content-type"] == "application/octet-stream"
    assert visitor.part("again").is_hidden()


def test_refused_photo__is_explained_in_the_customers_language(visit):
    visitor = visit("/tag/plain/?language=fr")
    visitor.expected.append("422")
    visitor.choose(file_of(Image.new("RGB", (900, 60), "red")))
    visitor.part("problem").get_by_text("pixels").wait_for()
    assert "trop" in visitor.part("problem").text_content()


def test_a_new_photo__takes_the_place_of_a_failure(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.choose({"name": "a.txt", "mimeType": "text/plain", "buffer": b"words"})
    visitor.part("problem").wait_for()
    visitor.search(photo)
    assert visitor.part("error").is_hidden()
