"""The component with a photo of several things, with words, and with variants."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.scenes import hat_and_skirt
from tests.browser.test_component import box_of


@pytest.fixture
def photo(storefront):
    return storefront.photos()[0]


def address(visitor):
    """Return the query parameters of the page's URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(visitor.page.url).query).items()}


def dot(visitor, name):
    return visitor.part("dots").get_by_role("button", name=name)


def found(visitor):
    """Return the response to the upload."""
    return visitor.photos_sent[0].response().json()


# --- words ------------------------------------------------------------------------------------


def test_words__hidden_unless_the_shop_takes_them(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.search(photo)
    assert visitor.part("words").is_hidden()
    assert visitor.part("described").is_hidden()


def test_words__at_the_start_go_with_the_photo(visit, screen, photo):
    visitor = visit("/tag/words/", screen)
    visitor.part("described").get_by_label("Describe it").fill(" in red ")
    visitor.search(photo)
    assert "q=in+red" in visitor.photos_sent[0].url
    assert address(visitor)["q"] == "in red"
    assert visitor.part("words").get_by_label("Describe it").input_value() == "in red"
    visitor.page.reload()
    visitor.wait_for_results()
    assert visitor.part("words").get_by_label("Describe it").input_value() == "in red"


def test_words__refine_without_the_photo(visit, screen, photo):
    visitor = visit("/tag/words/", screen)
    visitor.search(photo)
    words = visitor.part("words").get_by_label("Describe it")
    words.fill("red")
    with visitor.page.expect_response(lambda answer: "q=red" in answer.url) as answered:
        words.press("Enter")
    assert "/queries/" in answered.value.url
    visitor.page.wait_for_url("**q=red*")
    visitor.settled()
    assert "red" in visitor.cards.first.text_content().lower()
    words.fill("")
    visitor.part("find").click()
    visitor.page.wait_for_url(lambda url: "q=" not in url)
    visitor.settled()
    visitor.page.go_back()
    visitor.page.wait_for_url("**q=red*")
    visitor.settled()
    assert words.input_value() == "red"
    assert len(visitor.photos_sent) == 1


# --- objects ----------------------------------------------------------------------------------


def test_objects__none_in_a_photo_of_one_thing(visit, photo):
    visitor = visit("/tag/results/")
    visitor.search(photo)
    assert visitor.part("dots").locator("button").count() == 0
    assert visitor.part("outfit").is_hidden()


def test_object__is_searched_for_by_its_dot(visit, screen):
    visitor = visit("/tag/results/", screen)
    visitor.search(hat_and_skirt())
    for name, number in (("Hat", "1"), ("Skirt", "2")):
        target = dot(visitor, name)
        size = target.bounding_box()
        assert min(size["width"], size["height"]) >= 44
        target.click()
        visitor.page.wait_for_url(f"**object={number}*")
        visitor.settled()
        box = next(each["box"] for each in found(visitor)["objects"] if each["name"] == name)
        assert box_of(visitor) == pytest.approx(box, abs=0.01)
        assert target.get_attribute("aria-pressed") == "true"
        assert visitor.part("hint").text_content() == f"Searching for: {name}."
        assert f"{name}s" in visitor.cards.first.text_content()
    assert visitor.is_within("dots")
    assert len(visitor.photos_sent) == 1


def test_object__a_dragged_box_takes_its_place(visit):
    visitor = visit("/tag/results/")
    visitor.search(hat_and_skirt())
    dot(visitor, "Skirt").click()
    visitor.page.wait_for_url("**object=2*")
    visitor.settled()
    visitor.part("box").focus()
    with visitor.page.expect_response(lambda answer: "crop=" in answer.url) as answered:
        visitor.page.keyboard.press("ArrowLeft")
    assert "object=" not in answered.value.url
    visitor.page.wait_for_url("**crop=*")
    assert "object" not in address(visitor)
    assert dot(visitor, "Skirt").get_attribute("aria-pressed") == "false"


def test_whole_photo__drops_box_and_object(visit):
    visitor = visit("/tag/results/")
    visitor.search(hat_and_skirt())
    dot(visitor, "Skirt").click()
    visitor.page.wait_for_url("**object=2*")
    visitor.settled()
    visitor.part("whole").click()
    visitor.page.wait_for_url(lambda url: "object=" not in url)
    visitor.settled()
    assert box_of(visitor) == pytest.approx((0, 0, 1, 1), abs=0.01)


# --- the complete outfit ----------------------------------------------------------------------


def test_outfit__a_row_for_each_object(visit, screen):
    visitor = visit("/tag/results/", screen)
    visitor.search(hat_and_skirt())
    visitor.part("outfit").click()
    rows = visitor.part("rows").locator("section")
    rows.nth(1).wait_for()
    assert "per_object=1" in visitor.page.url
    assert rows.get_by_role("heading").all_text_contents() == ["Hat", "Skirt"]
    assert visitor.part("grid").is_hidden()
    assert visitor.part("more").is_hidden()
    strip = rows.first.locator(".strip")
    assert strip.evaluate("node => node.scrollWidth > node.clientWidth")
    assert "Hats" in strip.locator(".card").first.text_content()
    assert visitor.part("count").text_content() == "2 things"
    rows.nth(1).get_by_role("button", name="More: Skirt").click()
    visitor.page.wait_for_url("**object=2*")
    visitor.settled()
    assert "per_object" not in visitor.page.url
    assert visitor.part("grid").is_visible()
    assert "Skirts" in visitor.cards.first.text_content()
    visitor.page.go_back()
    rows.nth(1).wait_for()
    visitor.part("outfit").click()
    visitor.page.wait_for_url(lambda url: "object=" not in url)
    assert len(visitor.photos_sent) == 1


# --- variants ---------------------------------------------------------------------------------


def test_swatches__link_to_variants_and_count_clicks(visit, screen):
    visitor = visit("/tag/results/", screen)
    visitor.search(hat_and_skirt())
    dot(visitor, "Skirt").click()
    visitor.page.wait_for_url("**object=2*")
    visitor.settled()
    visitor.page.evaluate(
        """document.addEventListener('select', (event) => {
            window.chosen = event.detail;
            event.preventDefault();
        })"""
    )
    swatches = visitor.part("grid").locator(".swatch")
    first = swatches.first
    size = first.bounding_box()
    assert min(size["width"], size["height"]) >= 44
    with visitor.page.expect_response("**/events/") as told:
        first.click()
    assert told.value.status == 201
    chosen = visitor.page.evaluate("window.chosen")
    assert told.value.json()["product"] == chosen["product"]["key"]
    assert first.get_attribute("href") == chosen["product"]["url"]
    assert first.get_by_role("img").get_attribute("alt") == chosen["product"]["name"]
