"""Customers who search by photo, turn pages, click and look at the shop."""

from __future__ import annotations

import json
import random
import threading
from dataclasses import dataclass, field

from .client import Answer, search, send
from .goods import Expectation, Goods, photo_of
from .report import Journal

# Seconds around an outage in which a search that was answered may not be stored.
LOSS = 2.0
# Services whose end may lose it; see docs/operations.md, "What a killed process loses".
LOSING = {"search", "redis", "db"}
PAGES = ("/", "/search/photo/", "/?q=product")
EVENTS = ("view", "click", "basket")
LIMIT = 12


@dataclass(kw_only=True)
class Ledger:
    """The searches and events that the shop has answered with success.

    ``queries``: times at which searches were answered, by query id. ``events``: (query id, event,
    product).
    """

    queries: dict[str, float] = field(default_factory=dict)
    events: set[tuple[str, str, str]] = field(default_factory=set)


class Customer(threading.Thread):
    """One customer; ``over`` ends the visits."""

    def __init__(
        self, number: int, port: int, goods: Goods, journal: Journal, ledger: Ledger, seed: int
    ):
        super().__init__(name=f"customer {number}", daemon=True)
        self.port, self.goods, self.journal, self.ledger = port, goods, journal, ledger
        self.rng = random.Random(f"{seed} customer {number}")
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(self.rng.uniform(0.01, 0.1)):
            try:
                self.visit()
            except Exception as error:
                self.journal.failed.append(f"{self.name}: {error!r}")
                raise

    def visit(self) -> None:
        """Look at a page, or search by photo and perhaps turn the page and click."""
        if self.rng.random() < 0.15:
            page = send(self.port, "GET", self.rng.choice(PAGES))
            self.journal.note("shop page", page)
            return
        expected = self.goods.expect(self.rng)
        answer = search(self.port, photo_of(expected.picture), LIMIT)
        self.journal.note("search", answer)
        if answer.status != 200:
            return
        self.check("search", expected, answer)
        query = answer.json["query_id"]
        self.ledger.queries[query] = answer.end
        if self.rng.random() < 0.3:
            self.turn_page(query, answer.end)
        if self.rng.random() < 0.3:
            self.click(query, answer)

    def check(self, kind: str, expected: Expectation, answer: Answer) -> None:
        fault = self.goods.fault_in(expected, answer.keys, first=kind == "search")
        if fault:
            self.journal.blame(kind, fault)

    def turn_page(self, query: str, searched: float) -> None:
        """Get the second page of a search; ``searched``: when it was answered."""
        expected = self.goods.expect(self.rng)
        path = f"/api/visual-search/queries/{query}/?limit={LIMIT}&offset={LIMIT}"
        answer = send(self.port, "GET", path)
        if self.may_be_lost(answer, searched):
            return
        self.journal.note("later page", answer)
        if answer.status == 200:
            self.check("later page", expected, answer)

    def click(self, query: str, found: Answer) -> None:
        """Send an event on a product that a search showed."""
        event = (query, self.rng.choice(EVENTS), self.rng.choice(found.keys))
        body = json.dumps(dict(zip(("query_id", "event", "product"), event, strict=True))).encode()
        path = "/api/visual-search/events/"
        answer = send(self.port, "POST", path, body, "application/json")
        if self.may_be_lost(answer, found.end):
            return
        self.journal.note("event", answer)
        if answer.status == 201:
            self.ledger.events.add(event)

    def may_be_lost(self, answer: Answer, searched: float) -> bool:
        """Return whether a 404 is allowed: a process that had not stored the search has ended."""
        outages = self.journal.outages.during(searched - LOSS, answer.end)
        return answer.status == 404 and bool(outages & LOSING)
