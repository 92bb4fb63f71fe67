"""What Celery's tools see of searches that nobody waits for, with a real worker."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from urllib.request import Request

import pytest
from celery import Celery
from celery.result import AsyncResult

from tests.helpers.pictures import encoded, picture
from tests.stack.stack import START, Stack, until

PHOTO = encoded(picture(3, (480, 640)), quality=75)


class Watcher:
    """Collect the events that workers send, as Flower does."""

    def __init__(self, url: str):
        self.app = Celery(broker=url, backend=url)
        self.names: dict[str, str] = {}  # of tasks by id
        self.ended: list[tuple[str, str]] = []  # name and event
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def work(self) -> None:
        with self.app.connection() as connection:
            receiver = self.app.events.Receiver(connection, handlers={"*": self.note})
            while not self.stopped.is_set():
                try:
                    for _ in receiver.itercapture(limit=None, timeout=0.5, wakeup=True):
                        pass
                except TimeoutError:
                    continue

    def note(self, event: dict[str, str]) -> None:
        if event["type"] == "task-received":
            self.names[event["uuid"]] = event["name"]
        elif event["type"] in ("task-succeeded", "task-failed"):
            self.ended.append((self.names.get(event["uuid"], ""), event["type"]))

    def count(self, name: str, kind: str = "task-succeeded") -> int:
        return self.ended.count((name, kind))


@pytest.fixture(scope="module")
def watcher(stack: Stack) -> Iterator[Watcher]:
    watcher = Watcher(stack.redis_url)
    watcher.thread.start()
    until(lambda: watcher.app.control.enable_events(reply=True, timeout=1), START, "no worker")
    yield watcher
    watcher.stopped.set()
    watcher.thread.join(START)


def test_async_search(stack, watcher):
    before = watcher.count("visualsearch.search")
    files = {"image": ("photo.jpg", "image/jpeg", PHOTO)}
    wish = {"Prefer": "respond-async"}
    answer = stack.browser().post("/api/visual-search/search/", {}, files, wish)
    assert answer.status == 202, answer.text
    until(lambda: watcher.count("visualsearch.search") == before + 1, START, "not in the events")
    page = stack.browser().get(f"/api/visual-search/queries/{answer.json['query_id']}/")
    assert page.json["results"][0]["product"]["key"] == "P3"


def test_batch(stack, watcher):
    before = watcher.count("visualsearch.search")
    photos = [base64.b64encode(encoded(picture(n))).decode() for n in range(4)]
    browser = stack.browser()
    request = Request(
        browser.absolute("/api/visual-search/batch/"),
        data=json.dumps({"images": photos}).encode(),
        headers={"Content-Type": "application/json"},
    )
    answer = browser.send(request)
    assert answer.status == 200, answer.text
    best = [each["result"]["results"][0]["product"]["key"] for each in answer.json["results"]]
    assert best == ["P0", "P1", "P2", "P3"]
    until(lambda: watcher.count("visualsearch.search") == before + 4, START, "not in the events")


def test_classify_and_embed(stack, watcher):
    """A shop's own code sends the tasks by name and reads their results."""
    photo = base64.b64encode(PHOTO).decode()
    queue = {"queue": "visualsearch.search"}
    sent: list[AsyncResult] = [
        watcher.app.send_task(f"visualsearch.{name}", [photo], ignore_result=False, **queue)
        for name in ("classify", "embed")
    ]
    classes, embedded = (each.get(timeout=START) for each in sent)
    assert classes["predictions"][0]["probability"] > 0
    assert len(embedded["embedding"]) > 100
    until(lambda: watcher.count("visualsearch.classify") == 1, START, "not in the events")
    until(lambda: watcher.count("visualsearch.embed") == 1, START, "not in the events")


def test_classify__what_is_no_photo_is_a_failed_task(stack, watcher):
    photo = base64.b64encode(b"no photo").decode()
    watcher.app.send_task("visualsearch.classify", [photo], queue="visualsearch.search")
    until(
        lambda: watcher.count("visualsearch.classify", "task-failed") == 1,
        START,
        "not in the events",
    )
    assert "raised expected" in stack.log("search")
    assert "Traceback" not in stack.log("search")
