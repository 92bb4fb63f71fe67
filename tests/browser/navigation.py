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
