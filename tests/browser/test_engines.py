"""The component's states in Chromium, Firefox and WebKit, on a phone's size and on a desktop's.

Each state has the tree that a screen reader gets: roles, names and live messages. An engine that is
not installed is skipped; its message says how to install it.
"""

from __future__ import annotations

import base64
import io
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

from tests.browser import engines
from tests.browser.scenes import hat_and_skirt

exceptions = pytest.importorskip("selenium.common.exceptions")

# What WebKit calls these roles.
IN_WEBKIT = {"combobox": "button", "spinbutton": "textbox"}

# The page's component: the last one, and the nodes of it that a customer can perceive.
TAG = "const tag = [...document.querySelectorAll('visual-search')].at(-1); "
PERCEIVED = f"""{TAG}
    const kinds = 'button, a, input, select, h2, h3, progress, section, ul, dialog, [role]';
    return [...tag.shadowRoot.querySelectorAll(kinds)].filter((node) => node.checkVisibility()
        && (!tag.shadowRoot.querySelector('dialog[open]') || node.closest('dialog'))
        && !node.closest('[aria-hidden=true], :is(.grid, .strip) li:nth-child(n+2)'));"""
CHOOSE = f"""{TAG}
    const bytes = Uint8Array.from(atob(arguments[0]), (char) => char.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], 'p.jpg', {{type: 'image/jpeg'}}));
    const input = tag.shadowRoot.querySelector('#files');
    input.files = transfer.files;
    input.dispatchEvent(new Event('change'));"""
HOLD_BACK = "XMLHttpRequest.prototype.send = function () {};"
BREAK = "XMLHttpRequest.prototype.send = function () { this.onerror(); };"

START = [
    "button: Choose a photo",
    "searchbox: Describe it",
]
PHOTO = [
    "region: Your photo",
    "application: Part of the photo to search for. Arrow keys move it, Shift with arrow keys"
    " resizes it.",
    "status: Drag the box, or tap what you are looking for.",
    "button: Smaller box",
    "button: Larger box",
    "button: Whole photo",
]
OBJECTS = [
    "group: Things in your photo",
    "button: Hat",
    "button: Skirt",
]
WORDS = [
    "searchbox: Describe it",
    "button: Search with these words",
]
FILTERS = [
    "combobox: Colour",
    "combobox: For",
    "combobox: Material",
    "spinbutton: Price, from",
    "spinbutton: Price, to",
    "combobox: Sort",
]


def head(title: str, count: str, *buttons: str) -> list[str]:
    """Return the tree of the heading of results."""
    return [
        f"region: {title}",
        f"heading: {title}",
        f"status: {count}",
        *(f"button: {each}" for each in buttons),
        "button: Another photo",
    ]


def row(name: str, first: str) -> list[str]:
    """Return the tree of an outfit's row up to its first product."""
    return [
        f"region: {name}",
        f"heading: {name}",
        f"button: More: {name}",
        "list:",
        f"link: {first}",
    ]


class Page:
    """A page of the shop in an engine."""

    def __init__(self, driver: Any, origin: str):
        self.driver = driver
        self.origin = origin

    def open(self, path: str) -> None:
        self.driver.get(f"{self.origin}{path}")
        self.wait(f"{TAG} return !!tag.shadowRoot")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str) -> None:
        """Wait until a script returns something true."""
        end = time.monotonic() + engines.SLOW
        while not self.run(script):
            assert time.monotonic() < end, script
            time.sleep(0.05)

    def wait_for(self, selector: str) -> None:
        self.wait(f"{TAG} return tag.shadowRoot.querySelector({selector!r})?.checkVisibility()")

    def click(self, selector: str) -> None:
        self.wait_for(selector)
        self.run(f"{TAG} tag.shadowRoot.querySelector({selector!r}).click()")

    def choose(self, photo: bytes) -> None:
        """Put a photo into the file input."""
        self.wait(f"{TAG} return !!tag.shadowRoot")
        self.run(CHOOSE, base64.b64encode(photo).decode())

    def search(self, photo: bytes) -> None:
        """Search, and wait for results and filters."""
        self.choose(photo)
        self.wait_for("#filters .pick")

    def tree(self) -> list[str]:
        """Return role and name of all that a customer perceives, live messages by their text."""
        try:
            told = [self.tell(node) for node in self.run(PERCEIVED)]
        except exceptions.StaleElementReferenceException:
            return []
        return [each for each in told if not re.search(r"\d%$", each)]  # guesses of the model

    def tell(self, node: Any) -> str:
        """Return role and name of a node; a live message by its text."""
        role = node.aria_role
        live = role in ("status", "alert")
        text = self.run("return arguments[0].textContent", node) if live else ""
        return f"{role}: {' '.join((text or node.accessible_name).split())}".strip()


@pytest.fixture(scope="module", params=sorted(engines.PACKAGES))
def driver(request) -> Iterator[Any]:
    """Each engine, started once."""
    try:
        with engines.started(request.param) as driver:
            yield driver
    except engines.NotInstalled as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=sorted(engines.SCREENS))
def page(driver, shop, request) -> Page:
    """A page without results that the last test has left in the tab."""
    engines.resize(driver, request.param)
    page = Page(driver, shop)
    page.open("/tag/words/")
    page.run("sessionStorage.clear()")
    assert page.run("return innerWidth") == engines.SCREENS[request.param][0]
    return page


@pytest.fixture
def photo(storefront) -> bytes:
    """A customer photo of a dress."""
    return storefront.photos()[0].read_bytes()


@pytest.fixture
def check(page, driver) -> Callable[[list[str]], None]:
    """A function that compares the page's tree with an expected one, and judges its width."""

    def compare(expected: list[str]) -> None:
        if driver.name not in ("chrome", "firefox"):
            roles = [each.partition(":") for each in expected]
            expected = [f"{IN_WEBKIT.get(role, role)}:{name}" for role, _, name in roles]
        # The page may still replace nodes.
        end = time.monotonic() + engines.SLOW
        while (tree := page.tree()) != expected and time.monotonic() < end:
            time.sleep(0.2)
        assert tree == expected
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")
        assert page.run(SMALL_TARGETS) == []

    return compare


SMALL_TARGETS = f"""{TAG}
    return [...tag.shadowRoot.querySelectorAll('button, select, a, input')].filter((node) => {{
        const {{ width, height }} = node.getBoundingClientRect();
        return node.checkVisibility() && (width < 43.5 || height < 43.5);
    }}).map((node) => node.outerHTML);"""


def test_start(page, check):
    page.wait_for("#drop")
    check(START)


def test_working(page, check, photo):
    page.run(HOLD_BACK)
    page.choose(photo)
    page.wait_for("canvas")
    check(
        [
            "region: Your photo",
            "status: Sending your photo…",
            "progressbar: Sending your photo…",
            "button: Cancel",
        ]
    )


def test_failed(page, check, photo):
    page.run(BREAK)
    page.choose(photo)
    page.wait_for("#problem")
    check(
        [
            "alert: The shop cannot be reached. Check your connection.",
            "button: Try again",
            "region: Your photo",
            *START,
        ]
    )


def test_results(page, check, photo):
    page.search(photo)
    title = "Products like your photo"
    check(
        [
            *PHOTO,
            *head(title, "16 products"),
            *WORDS,
            "button: Remove filter: Dress",
            *FILTERS,
            "list:",
            "link: Bodycon dress, royal blue blue · Dresses €69.90",
            "button: More products",
        ]
    )


def test_nothing_found(page, check, photo):
    page.search(photo)
    address = page.run("return location.search")
    page.open(f"/tag/words/{address}&max_price=0.01")
    check(
        [
            *PHOTO,
            *head("No products match these filters", "0 products"),
            *WORDS,
            *FILTERS[3:],
        ]
    )


def test_no_match(page, check):
    file = io.BytesIO()
    Image.effect_noise((600, 600), 120).convert("RGB").save(file, "JPEG")
    page.search(file.getvalue())
    page.wait_for("#notice")
    assert (
        page.tree()[page.tree().index("button: Whole photo") + 2] == "heading: The closest we have"
    )


def test_objects(page, check):
    page.search(hat_and_skirt()["buffer"])
    page.click(".dot:nth-of-type(2)")
    page.wait("return location.search.includes('object=2')")
    page.wait_for("#filters .pick")
    check(
        [
            *PHOTO[:2],
            *OBJECTS,
            "status: Searching for: Skirt.",
            *PHOTO[3:],
            *head("Products like your photo", "15 products", "Complete outfit"),
            *WORDS,
            "button: Remove filter: Skirt",
            *(each for each in FILTERS if each != "combobox: For"),
            "list:",
            "link: Box pleat skirt, navy navy · Skirts €39.90",
            "button: More products",
        ]
    )


def test_outfit(page, check):
    page.search(hat_and_skirt()["buffer"])
    page.click("#outfit")
    page.wait_for("#rows h3")
    page.wait("return location.search.includes('per_object=1')")
    page.wait_for("#filters .pick")
    check(
        [
            *PHOTO[:2],
            *OBJECTS,
            *PHOTO[2:],
            *head("Complete outfit", "2 things", "Complete outfit"),
            *WORDS,
            *FILTERS,
            *row("Hat", "Cap with crown, red red · Hats €19.90"),
            *row("Skirt", "Box pleat skirt, navy navy · Skirts €39.90"),
        ]
    )


def test_dialog(page, check):
    page.open("/tag/dialog/")
    page.click("#camera")
    page.wait_for("#drop")
    check(["dialog: Search by photo", "heading: Search by photo", "button: Close", START[0]])


def test_back_from_a_product(page, photo):
    page.search(photo)
    page.run("window.isKept = true")
    count = """return performance.getEntriesByType('resource')
        .filter((each) => each.name.includes('/queries/')).length"""
    asked = page.run(count)
    page.run("scrollTo(0, 300)")
    page.wait("return scrollY > 100")
    place = page.run("return scrollY")
    page.click("#grid .card")
    page.wait("return location.pathname.startsWith('/product/')")
    page.driver.back()
    page.wait_for("#filters .pick")
    page.wait(f"return Math.abs(scrollY - {place}) < 3")
    # An engine may have kept the page as it was, with its list of requests.
    assert page.run(count) == (asked if page.run("return !!window.isKept") else 0)
