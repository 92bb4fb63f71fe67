"""Keep track of the products that the shop sells, and check search results against them."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

import numpy as np
from PIL import Image

State = Literal["visible", "hidden", "deleted"]
# Width and height in pixels of the shop's pictures and of customers' photos of them.
PICTURE, PHOTO = (300, 400), (480, 640)


def drawn(number: int, size: tuple[int, int], quality: int) -> bytes:
    """Return picture ``number``, smooth random colours, as a JPEG of ``size`` (width, height)."""
    coarse = np.random.default_rng(number).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


@lru_cache(maxsize=2000)
def photo_of(number: int) -> bytes:
    """Return a customer's photo of picture ``number``, as a JPEG."""
    return drawn(number, PHOTO, 75)


@dataclass(kw_only=True)
class Good:
    """A product: what was confirmed of it, and whether an edit is under way.

    ``edits``: number of edits begun. ``found``: whether a search has found it first since the last
    of them, so that all later searches must.
    """

    picture: int
    state: State = "visible"
    edits: int = 0
    settled: bool = True
    found: bool = False


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """The results that a search may return if it begins now.

    ``picture``: number of the photographed picture of the product ``wanted``, which must come first
    if ``certain``. ``hidden``: products that must not be shown, with their number of edits: an edit
    that begins later may show them again.
    """

    wanted: str
    picture: int
    edits: int
    certain: bool
    hidden: dict[str, int] = field(repr=False)


class Goods:
    """All products by key; safe to use from several threads."""

    def __init__(self) -> None:
        self.all: dict[str, Good] = {}
        self.lock = threading.Lock()

    def add(self, key: str, picture: int) -> None:
        """Add a product that is confirmed and indexed."""
        with self.lock:
            self.all[key] = Good(picture=picture, found=True)

    def begin(self, key: str, picture: int) -> None:
        """Note that an edit begins, before the database hears of it."""
        with self.lock:
            good = self.all.setdefault(key, Good(picture=picture, state="deleted"))
            good.edits += 1
            good.settled = good.found = False

    def confirm(self, key: str, state: State, picture: int) -> None:
        """Note that the database has confirmed an edit."""
        with self.lock:
            good = self.all[key]
            good.state, good.picture, good.settled = state, picture, True

    def keys(self, *states: State) -> list[str]:
        """Return the keys of the products in these states that no edit changes now."""
        with self.lock:
            return [key for key, one in self.all.items() if one.settled and one.state in states]

    def expect(self, rng: random.Random) -> Expectation:
        """Choose a visible product to search for; return what the answer may show."""
        return self.expect_of(rng.choice(self.keys("visible")))

    def expect_of(self, wanted: str) -> Expectation:
        """Return what a search for a product's picture may show."""
        with self.lock:
            good = self.all[wanted]
            hidden = {
                key: one.edits
                for key, one in self.all.items()
                if one.settled and one.state != "visible"
            }
            return Expectation(
                wanted=wanted,
                picture=good.picture,
                edits=good.edits,
                certain=good.found,
                hidden=hidden,
            )

    def fault_in(self, expected: Expectation, keys: Sequence[str], *, first: bool = True) -> str:
        """Return what is wrong with an answer, "" if it is allowed.

        ``keys``: the products shown, best first. ``first``: whether it is the first page.
        """
        with self.lock:
            for key in keys:
                if key not in self.all:
                    return f"{key} was never sold"
                if expected.hidden.get(key) == self.all[key].edits:
                    return f"{key} is shown, but {self.all[key].state} before the request"
            good = self.all[expected.wanted]
            if not first or good.edits != expected.edits:
                return ""
            if keys[:1] == [expected.wanted]:
                good.found = True
            elif expected.certain:
                return f"{expected.wanted} is not first, but {list(keys[:3])}"
            return ""
