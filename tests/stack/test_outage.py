"""Redis goes away and comes back; no process of the app is restarted.

All responses must come while Redis is away: it returns only after the last of them.
"""

from __future__ import annotations

from tests.helpers.pictures import encoded, picture
from tests.stack import admin
from tests.stack.browser import Answer
from tests.stack.stack import START, Stack, until

# Seconds to wait for the workers to find Redis again.
BACK = START


def search(stack: Stack, seed: int) -> Answer:
    """Search by a photo of a picture."""
    return stack.browser().search(encoded(picture(seed, (480, 640)), quality=75), limit=5)


def best(stack: Stack, seed: int) -> str | None:
    """Return the first product found for a photo, or None if the search fails."""
    answer = search(stack, seed)
    return answer.json["results"][0]["product"]["key"] if answer.status == 200 else None


def test_redis_gone(stack):
    owner = stack.owner()
    assert best(stack, 3) == "P3"

    stack.stop("redis")
    try:
        refused = search(stack, 3)
        again = search(stack, 3)
        similar = stack.browser().get("/api/visual-search/products/P1/similar/")
        page = stack.browser().get("/")
        saved = admin.add_product(owner, "LATE", 102)
        admin.hide_product(owner, "P2")
        run = admin.reindex(owner, "missing")
    finally:
        stack.start("redis")
    stack.ready("redis")
    took = until(lambda: best(stack, 3) == "P3", BACK, lambda: stack.tail("search"))
    print(
        f"refused after {refused.seconds:.2f} and {again.seconds:.2f} s, product saved in"
        f" {saved.seconds:.2f} s, search back {took:.1f} s after Redis"
    )

    for answer in (refused, again, similar):
        assert (answer.status, answer.code) == (503, "search_unavailable")
    assert page.status == 200
    assert "Search by photo is not available right now" in run.text
    assert stack.rows("SELECT state FROM visualsearch_run ORDER BY id LIMIT 1") == [("failed",)]

    # Changes meanwhile: products are hidden at once, by the catalog; new ones need the next run.
    assert best(stack, 2) != "P2"
    assert best(stack, 102) != "LATE"
    admin.reindex(owner, "missing")
    until(lambda: best(stack, 102) == "LATE", START, lambda: stack.tail("index"))


def test_redis_hangs(stack):
    """Redis accepts connections but does not answer."""
    owner = stack.owner()
    assert best(stack, 3) == "P3"

    stack.pause("redis")
    try:
        refused = search(stack, 3)
        hidden = admin.hide_product(owner, "P4")
    finally:
        stack.resume("redis")
    took = until(lambda: best(stack, 3) == "P3", BACK, lambda: stack.tail("search"))
    print(
        f"Redis hangs: refused after {refused.seconds:.1f} s, product hidden in"
        f" {hidden.seconds:.1f} s, search back {took:.1f} s after its thaw"
    )

    assert (refused.status, refused.code) == (503, "search_unavailable")
    assert best(stack, 4) != "P4"
