"""Follow links in browser tests."""

from __future__ import annotations

from typing import Any


def follow(target: Any, key: str = "") -> None:
    """Click ``target``, or press ``key`` on it, and wait until the next page has loaded.

    A click alone returns while the old page may still be shown.
    """
    with target.page.expect_navigation():
        if key:
            target.press(key)
        else:
            target.click()


def close(context: Any) -> None:
    """Close a browser's context when its pages have loaded all that they ask for.

    A request that the server still answers would read tables while the test's end empties them.
    """
    for page in context.pages:
        page.wait_for_load_state("networkidle")
    context.close()
