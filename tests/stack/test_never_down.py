"""Search continuously while the index is rebuilt, activated, rolled back and gets a new model."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.helpers.pictures import encoded, picture
from tests.stack.conftest import PRODUCTS
from tests.stack.stack import START, Stack, until

CLIENTS = 4


@dataclass
class Loop:
    """Clients that search without pause, and what they observed."""

    stack: Stack
    wrong: list[str] = field(default_factory=list)
    seen: Counter[tuple[int, str]] = field(default_factory=Counter)
    slowest: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)

    def client(self, number: int) -> None:
        """Search by photos of one product after another until the loop is over."""
        visitor = self.stack.browser()
        turn = number
        while not self.over.is_set():
            turn += 1
            wanted = turn % PRODUCTS
            photo = encoded(picture(wanted, (480, 640)), quality=75)
            answer = visitor.search(photo, limit=PRODUCTS)
            self.slowest = max(self.slowest, answer.seconds)
            if answer.status != 200:
                self.wrong.append(f"{answer.status} {answer.text[:300]}")
                continue
            found = [each["product"]["key"] for each in answer.json["results"]]
            if len(found) < PRODUCTS or found[0] != f"P{wanted}":
                self.wrong.append(f"P{wanted}: {found}")
            self.seen[answer.json["index_version"], answer.json["model"]] += 1

    def __enter__(self) -> Loop:
        self.threads = [threading.Thread(target=self.client, args=(n,)) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()


def active(stack: Stack) -> int:
    """Return the id of the active version."""
    return stack.rows("SELECT id FROM visualsearch_indexversion WHERE state = 'active'")[0][0]


def answers_by(loop: Loop, version: int) -> None:
    """Wait until the search worker answers with this version."""
    before = sum(count for (one, _), count in loop.seen.items() if one == version)
    until(
        lambda: sum(n for (one, _), n in loop.seen.items() if one == version) > before + 5,
        START,
        lambda: f"{loop.seen} {loop.wrong[:3]}",
    )


def test_search__never_down(stack):
    with Loop(stack) as loop:
        until(lambda: sum(loop.seen.values()) > 10 or loop.wrong, START, "nobody searches")
        stack.manage("visualsearch_index", "--all")
        earlier = active(stack)
        answers_by(loop, earlier)
        stack.manage("visualsearch_index", "--all")
        rebuilt = active(stack)
        answers_by(loop, rebuilt)

        stack.manage(
            "shell", "-c", "from visualsearch.versions import lifecycle; lifecycle.roll_back()"
        )
        assert active(stack) == earlier != rebuilt
        answers_by(loop, earlier)

        # Another model: the shipped one in float32, as a deployment with new settings builds it.
        stack.manage("visualsearch_index", VISUALSEARCH_MODEL="ml_models/shopnet-fp32")
        other = active(stack)
        assert other not in (rebuilt, earlier)
        answers_by(loop, other)
        time.sleep(0.5)
    assert not loop.wrong, loop.wrong[:5]
    models = dict(loop.seen.keys())
    assert len(models) == len(loop.seen), f"a version answered by two models: {loop.seen}"
    assert models[other] != models[rebuilt] == models[earlier]
    print(f"{sum(loop.seen.values())} searches, none wrong, the slowest {loop.slowest:.2f} s")
