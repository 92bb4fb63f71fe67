"""The component in a browser: ways to search, results, filters, the box over the photo."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from shop.demo_catalog import rows

SOURCE = Path(__file__).resolve().parents[2] / "visualsearch/static/visualsearch"
ORIENTATION = 0x0112
DRESSES = len({row["style"] for row in rows() if row["category"] == "Dresses"})


@pytest.fixture
def photo(storefront):
    """A customer photo of a dress."""
    return storefront.photos()[0]


def file_of(image, format="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return {"name": "p.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def sent_photo(visitor):
    """Return the uploaded bytes recorded by the page, which Playwright cannot read."""
    return bytes(visitor.page.evaluate("window.sent"))


RECORD = """() => {
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
        body?.arrayBuffer().then((data) => {
            window.sent = [...new Uint8Array(data)];
        });
        return send.call(this, body);
    };
}"""


def box_of(visitor):
    """Return x, y, w, h of the box in fractions of the photo."""
    frame = visitor.part("frame").bounding_box()
    box = visitor.part("box").bounding_box()
    return (
        (box["x"] - frame["x"]) / frame["width"],
        (box["y"] - frame["y"]) / frame["height"],
        box["width"] / frame["width"],
        box["height"] / frame["height"],
    )


def take_whole(visitor):
    """Set the box to the whole photo."""
    with visitor.page.expect_response(lambda answer: "0%2C0%2C1%2C1&facets" in answer.url):
        visitor.part("whole").click()


def drop(visitor, photo):
    """Dispatch the browser's events of dropping a file."""
    visitor.tag.evaluate(
        """(tag, bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], 'p.jpg', {type: 'image/jpeg'}));
            const zone = tag.shadowRoot.querySelector('#drop');
            for (const type of ['dragover', 'drop'])
                zone.dispatchEvent(new DragEvent(type,
                    {dataTransfer: transfer, bubbles: true, cancelable: true, composed: true}));
        }""",
        list(photo.read_bytes()),
    )


def paste(visitor, photo):
    """Dispatch the browser's event of pasting a file."""
    visitor.page.evaluate(
        """(bytes) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], 'p.jpg', {type: 'image/jpeg'}));
            document.body.dispatchEvent(new ClipboardEvent('paste',
                {clipboardData: transfer, bubbles: true, cancelable: true}));
        }""",
        list(photo.read_bytes()),
    )


def english(name):
    """Return the keys of the English texts in one of the component's files."""
    text = (SOURCE / name).read_text("utf-8")
    lines = text[text.index("const ENGLISH") :].split("\n};")[0].splitlines()[1:]
    return [line.split(":")[0].strip() for line in lines]


def test_languages__have_the_same_words(visit):
    visitor = visit("/tag/plain/")
    keys = """async (name) => Object.keys((await import(name)).default).sort()"""
    french = visitor.page.evaluate(keys, "/static/visualsearch/visual-search.fr.js")
    assert french == sorted(english("visual-search.js") + english("visual-search-results.js"))


def test_window__nothing_new(visit):
    visitor = visit("/tag/plain/")
    visitor.part("drop").wait_for()
    ours = visitor.page.evaluate("Object.getOwnPropertyNames(window)")
    blank = visitor.context.new_page()
    blank.goto("/static/shop/favicon.svg")
    usual = blank.evaluate("Object.getOwnPropertyNames(window)")
    assert set(ours) - set(usual) == set()


def test_start__says_what_is_accepted(visit, screen):
    visitor = visit("/search/photo/", screen)
    terms = visitor.part("terms")
    terms.wait_for()
    assert "JPEG" in terms.text_content()
    assert "12 MB" in terms.text_content()
    assert "not stored" in terms.text_content()
    assert visitor.part("take").is_visible() == (screen == "phone")


def test_choose__finds_what_the_photo_shows(visit, screen, photo):
    visitor = visit("/tag/plain/", screen)
    with visitor.page.expect_file_chooser() as chooser:
        visitor.part("choose").click()
    chooser.value.set_files(photo)
    visitor.wait_for_results()
    assert "Bodycon dress" in visitor.cards.first.text_content()
    assert "€" in visitor.cards.first.text_content()
    assert visitor.part("count").text_content() == f"{DRESSES} products"
    assert visitor.heading.evaluate("node => node.getRootNode().activeElement === node")


def test_take_a_photo__opens_the_camera(visit, photo):
    visitor = visit("/tag/plain/", "phone")
    assert visitor.part("shot").get_attribute("capture") == "environment"
    with visitor.page.expect_file_chooser() as chooser:
        visitor.part("take").tap()
    chooser.value.set_files(photo)
    visitor.wait_for_results()


def test_drop(visit, photo):
    visitor = visit("/tag/plain/")
    drop(visitor, photo)
    visitor.wait_for_results()


def test_paste(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.part("drop").wait_for()
    paste(visitor, photo)
    visitor.wait_for_results()


def test_photo__is_sent_upright_small_and_without_metadata(visit):
    wide = Image.effect_noise((4032, 3024), 30).convert("RGB")
    wide.paste("red", (0, 0, 4032, 1500))  # upright: on the right, after a quarter turn
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010E] = "where I live"
    visitor = visit("/tag/plain/")
    visitor.page.evaluate(RECORD)
    visitor.search(file_of(wide, quality=90, exif=exif))
    data = sent_photo(visitor)
    assert len(data) < 150_000
    assert b"where I live" not in data
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (640, 854)
        assert not image.getexif()
        red, green, _ = image.convert("RGB").getpixel((600, 400))
        assert red > 200
        assert green < 60


def test_more_products__focus_goes_to_the_first_new_one(visit, screen, photo):
    visitor = visit("/tag/plain/", screen)
    visitor.search(photo)
    visitor.part("more").click()
    visitor.cards.nth(DRESSES - 1).wait_for()
    assert visitor.cards.count() == DRESSES
    assert visitor.cards.nth(12).evaluate("node => node.getRootNode().activeElement === node")
    assert visitor.part("more").is_hidden()
    assert len(visitor.photos_sent) == 1


def test_class__is_taken_away_and_another_one_chosen(visit, screen, photo):
    visitor = visit("/tag/plain/", screen)
    visitor.search(photo)
    chip = visitor.tag.get_by_role("button", name="Remove filter: Dress")
    chip.click()
    visitor.part("count").get_by_text(f"{DRESSES} products").wait_for(state="detached")
    visitor.settled()
    again = visitor.tag.get_by_role("button", name="Dress", exact=False).first
    assert "%" in again.text_content()
    again.click()
    visitor.page.wait_for_function(
        """(count) => document.querySelector('visual-search').shadowRoot
            .querySelector('#count').textContent === `${count} products`""",
        arg=DRESSES,
    )
    assert len(visitor.photos_sent) == 1


def test_filters__narrow_and_sort_without_the_photo(visit, screen, photo):
    visitor = visit("/tag/plain/", screen)
    visitor.search(photo)
    color = visitor.tag.get_by_label("Colour", exact=True)
    red = color.locator("option", has_text="(").first.get_attribute("value")
    color.select_option(red)
    visitor.part("count").get_by_text(f"{DRESSES} products").wait_for(state="detached")
    visitor.settled()
    assert all(red in text.lower() for text in visitor.cards.all_text_contents())
    visitor.tag.get_by_label("Colour", exact=True).select_option("")
    visitor.part("count").get_by_text(f"{DRESSES} products").wait_for()
    visitor.tag.get_by_label("Sort", exact=True).select_option("price")
    visitor.page.wait_for_function(
        """() => {
            const cards = document.querySelector('visual-search').shadowRoot
                .querySelectorAll('#grid .price');
            const prices = [...cards].map((each) => parseFloat(each.textContent.slice(1)));
            return prices.length > 4 && prices.every((price, n) => !n || price >= prices[n - 1]);
        }"""
    )
    most = visitor.tag.get_by_label("Price, to")
    most.fill("45")
    most.press("Enter")
    visitor.part("count").get_by_text(f"{DRESSES} products").wait_for(state="detached")
    prices = visitor.tag.locator("#grid .price").all_text_contents()
    assert prices
    assert all(float(price.strip("€")) <= 45 for price in prices)
    assert len(visitor.photos_sent) == 1


def test_no_match__says_so_and_shows_the_closest(visit, screen):
    visitor = visit("/tag/plain/", screen)
    visitor.search(file_of(Image.effect_noise((600, 600), 120).convert("RGB")))
    assert visitor.heading.text_content() == "The closest we have"
    assert "Draw the box" in visitor.part("notice").text_content()
    assert visitor.cards.count()


def test_crop__by_mouse(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.search(photo)
    take_whole(visitor)
    corner = visitor.part("box").locator("[data-sides=se]").bounding_box()
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    mouse = visitor.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x - 100, y - 60, steps=5)
    with visitor.page.expect_response(lambda answer: "crop=" in answer.url) as answered:
        mouse.up()
    frame = visitor.part("frame").bounding_box()
    expected = [0, 0, 1 - 100 / frame["width"], 1 - 60 / frame["height"]]
    crop = answered.value.url.split("crop=")[1].split("&")[0].replace("%2C", ",")
    assert [float(each) for each in crop.split(",")] == pytest.approx(expected, abs=0.01)
    assert answered.value.status == 200
    visitor.settled()
    assert box_of(visitor) == pytest.approx(expected, abs=0.01)
    assert len(visitor.photos_sent) == 1


def test_crop__by_touch(visit, photo):
    visitor = visit("/tag/plain/", "phone")
    visitor.search(photo)
    take_whole(visitor)
    visitor.part("frame").scroll_into_view_if_needed()
    corner = visitor.part("box").locator("[data-sides=nw]").bounding_box()
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    touch = visitor.context.new_cdp_session(visitor.page)

    def finger(kind, *points):
        values = {"type": kind, "touchPoints": [{"x": a, "y": b} for a, b in points]}
        touch.send("Input.dispatchTouchEvent", values)

    finger("touchStart", (x, y))
    for step in range(1, 6):
        finger("touchMove", (x + 16 * step, y + 16 * step))
    with visitor.page.expect_response(lambda answer: "crop=" in answer.url):
        finger("touchEnd")
    visitor.settled()
    left, top, width, height = box_of(visitor)
    assert left > 0.15
    assert top > 0.15
    assert (left + width, top + height) == pytest.approx((1, 1), abs=0.01)
    assert len(visitor.photos_sent) == 1


def test_crop__by_keyboard(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.search(photo)
    take_whole(visitor)
    visitor.part("box").focus()
    for _ in range(5):
        visitor.page.keyboard.press("Shift+ArrowLeft")
    for _ in range(2):
        visitor.page.keyboard.press("ArrowRight")
    with visitor.page.expect_response(lambda answer: "crop=" in answer.url) as answered:
        visitor.page.keyboard.press("Shift+ArrowUp")
    assert "crop=0.04%2C0%2C0.9%2C0.98" in answered.value.url
    assert visitor.part("hint").text_content() == "Searching 90% × 98% of the photo."
    visitor.settled()
    assert len(visitor.photos_sent) == 1
    assert visitor.part("box").evaluate("node => node.getRootNode().activeElement === node")


def test_crop__without_dragging(visit, screen, photo):
    visitor = visit("/tag/plain/", screen)
    visitor.search(photo)
    for _ in range(4):
        with visitor.page.expect_response(lambda answer: "crop=" in answer.url):
            visitor.part("smaller").click()
    assert box_of(visitor)[2] < 0.5
    frame = visitor.part("frame").bounding_box()
    with visitor.page.expect_response(lambda answer: "crop=" in answer.url):
        visitor.page.mouse.click(frame["x"] + frame["width"] - 8, frame["y"] + 8)
    left, top, width, _ = box_of(visitor)
    assert (left + width, top) == pytest.approx((1, 0), abs=0.01)
    with visitor.page.expect_response(lambda answer: "crop=0%2C0%2C1%2C1" in answer.url):
        visitor.part("whole").click()
    assert box_of(visitor) == pytest.approx((0, 0, 1, 1), abs=0.01)
    assert len(visitor.photos_sent) == 1


def test_crop__photo_is_sent_again_where_the_search_is_gone(visit, storefront, photo):
    visitor = visit("/tag/plain/")
    visitor.search(photo)
    take_whole(visitor)
    storefront.manage("shell", "-c", FORGET)
    visitor.expected.append("404")
    with visitor.page.expect_response(lambda answer: "/search/?" in answer.url) as answered:
        visitor.part("smaller").click()
    assert "crop=0.1%2C0.1%2C0.8%2C0.8" in answered.value.url
    assert answered.value.status == 200
    visitor.settled()
    assert len(visitor.photos_sent) == 2
    assert box_of(visitor) == pytest.approx((0.1, 0.1, 0.8, 0.8), abs=0.01)


FORGET = "from visualsearch.models import Query; Query.objects.all().delete()"


def test_subject__is_where_the_box_starts(visit, storefront, tmp_path):
    path = tmp_path / "room.jpg"
    with Image.open(storefront.photos()[0]) as dress:
        room = Image.new("RGB", (1200, 1200), "#b9c4c9")
        room.paste(dress.convert("RGB").resize((290, 490)), (700, 600))
    room.save(path)
    visitor = visit("/tag/plain/")
    visitor.search(path)
    answer = visitor.photos_sent[0].response().json()
    subject = answer["subject"] or [0, 0, 1, 1]
    assert box_of(visitor) == pytest.approx(subject, abs=0.01)


def test_click__is_told_to_the_shop(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.search(photo)
    visitor.page.evaluate("document.addEventListener('select', (event) => event.preventDefault())")
    with visitor.page.expect_response("**/events/") as told:
        visitor.cards.nth(1).click()
    assert told.value.status == 201
    body = told.value.json()
    assert (body["event"], body["rank"]) == ("click", 2)
    assert body["query_id"] == visitor.photos_sent[0].response().json()["query_id"]


def test_key__goes_with_every_request(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.page.evaluate(
        """() => {
            const tag = document.querySelector('visual-search');
            tag.setAttribute('api-key', 'vs_of_nobody');
            tag.replaceWith(tag.cloneNode());
        }"""
    )
    visitor.expected.append("401")
    visitor.part("drop").wait_for()
    visitor.choose(photo)
    visitor.part("problem").wait_for()
    assert "API key" in visitor.part("problem").text_content()
    assert visitor.photos_sent[0].headers["x-api-key"] == "vs_of_nobody"


def test_events(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.part("drop").wait_for()
    visitor.page.evaluate(
        """() => {
            window.seen = [];
            for (const name of ['search', 'results', 'error', 'select'])
                document.body.addEventListener(name, (event) => {
                    window.seen.push([name, event.detail]);
                    if (name === 'select') event.preventDefault();
                });
        }"""
    )
    visitor.search(photo)
    visitor.cards.nth(1).click()
    search, results, select = visitor.page.evaluate("window.seen")
    assert [search[0], results[0], select[0]] == ["search", "results", "select"]
    answer = results[1]
    assert select[1]["rank"] == 1
    assert select[1]["query_id"] == answer["query_id"]
    assert select[1]["product"] == answer["results"][1]["product"]
    assert visitor.page.url.endswith("/tag/plain/")  # the click's default is prevented
    visitor.choose({"name": "a.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    visitor.part("problem").wait_for()
    assert visitor.page.evaluate("window.seen.at(-1)") == [
        "error",
        {"code": "not_a_picture", "detail": visitor.part("problem").text_content(), "status": 0},
    ]


def test_search_event__can_stop_it(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.part("drop").wait_for()
    visitor.page.evaluate(
        "document.body.addEventListener('search', (event) => {"
        " window.stopped = true; event.preventDefault(); })"
    )
    visitor.choose(photo)
    # wait_for_function would evaluate a string, which the page's policy forbids.
    visitor.until(lambda: visitor.page.evaluate("window.stopped"))
    visitor.page.wait_for_timeout(300)  # time in which it would be sent
    assert visitor.photos_sent == []
    assert visitor.part("drop").is_visible()


def test_french(visit, screen, photo):
    visitor = visit("/tag/plain/?language=fr", screen)
    visitor.search(photo)
    assert visitor.heading.text_content() == "Des produits comme sur votre photo"
    assert visitor.part("count").text_content() == f"{DRESSES} produits"
    assert visitor.tag.get_by_label("Trier", exact=True).count() == 1
    assert visitor.tag.get_by_label("Couleur", exact=True).count() == 1


def test_unknown_language__is_english(visit):
    visitor = visit("/tag/plain/?language=xx")
    visitor.expected.append("404")
    assert visitor.part("choose").text_content() == "Choose a photo"


def test_storage__full_or_forbidden_is_survived(visit, photo):
    visitor = visit("/tag/plain/")
    visitor.page.evaluate("sessionStorage.setItem('other', 'x'.repeat(5_240_000))")
    visitor.search(photo)
    assert visitor.page.evaluate("sessionStorage.getItem('visual-search')") is None


def test_storage__keeps_the_last_three(visit, storefront):
    visitor = visit("/tag/plain/")
    for photo in storefront.photos()[:4]:
        visitor.search(photo)
        visitor.settled()
    kept = json.loads(visitor.page.evaluate("sessionStorage.getItem('visual-search')"))
    ids = [request.response().json()["query_id"] for request in visitor.photos_sent]
    assert [each["id"] for each in kept] == ids[:0:-1]
