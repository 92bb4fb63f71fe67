"""The demo shop with the shipped model, served by child processes, and its visitors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shop.demo_catalog import CATALOG, QUERIES, rows
from shop.tools.ports import free_port

SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "has_touch": True,
        "is_mobile": True,
        "device_scale_factor": 2,
    },
}
ROOT = Path(__file__).resolve().parent.parent.parent
START = 120  # seconds
# Milliseconds to wait for something expected; long, so that slow machines do not fail.
WAIT = 60_000


class Storefront:
    """The demo catalog and its index in a folder, served with any settings."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.manage("migrate", "--verbosity=0")
        self.manage("load_catalog", str(CATALOG), "--no-index")
        self.manage("visualsearch_index")

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "tests.browser.storefront_settings",
            "DATABASE_URL": f"sqlite:///{self.folder / 'db.sqlite3'}",
            "MEDIA_ROOT": str(self.folder / "media"),
            "VISUALSEARCH_DATA_DIR": str(self.folder / "index"),
            **more,
        }

    def manage(self, *arguments: str, **environment: str) -> None:
        """Run a management command; raise CalledProcessError if it fails."""
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment(**environment),
            check=True,
            stdout=subprocess.DEVNULL,
        )

    @contextmanager
    def served(self, environment: dict[str, str] | None = None, **settings: Any) -> Iterator[str]:
        """Run a server with these settings of the app; yield its origin."""
        port = free_port()
        origin = f"http://127.0.0.1:{port}"
        values = self.environment(VISUALSEARCH_TEST=json.dumps(settings), **(environment or {}))
        command = [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
        with (self.folder / f"server-{port}.log").open("w") as log:
            server = subprocess.Popen(command, cwd=ROOT, env=values, stdout=log, stderr=log)
            try:
                wait_for(f"{origin}/tag/plain/", server)
                yield origin
            finally:
                server.terminate()
                server.wait(START)

    def photos(self) -> list[Path]:
        """Return the customer photos of the catalog's products."""
        return [QUERIES.parent / row["image"] for row in rows(QUERIES)]


class Visitor:
    """A visitor with their own browser window, whose console messages and errors are recorded.

    ``expected``: parts of messages that the test causes, such as a response with status 503.
    """

    def __init__(self, context: Any):
        self.context = context
        self.expected: list[str] = []
        self.heard: list[str] = []
        self.photos_sent: list[Any] = []
        context.set_default_timeout(WAIT)
        self.page = context.new_page()
        self.page.on("console", lambda message: self.heard.append(message.text))
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("request", self.watch)

    @property
    def complaints(self) -> list[str]:
        return [each for each in self.heard if not any(part in each for part in self.expected)]

    def watch(self, request: Any) -> None:
        if request.method == "POST" and "/search/" in request.url:
            self.photos_sent.append(request)

    @property
    def tag(self) -> Any:
        """The component that shows the results, the last one of the page."""
        return self.page.locator("visual-search").last

    def part(self, name: str) -> Any:
        """Return the locator of a node of the component by its id."""
        return self.tag.locator(f"#{name}")

    @property
    def heading(self) -> Any:
        return self.tag.locator("#heading")

    @property
    def cards(self) -> Any:
        return self.tag.locator("#grid .card")

    def choose(self, *files: Any) -> None:
        """Put files into the file input."""
        self.part("files").set_input_files(files)

    def search(self, photo: Any) -> None:
        """Search by a file and wait for results and filters."""
        self.choose(photo)
        self.wait_for_results()

    def load(self) -> None:
        """Open the file chooser, which loads the files that a search needs."""
        with self.page.expect_file_chooser():
            self.part("choose").click()
        self.part("frame").wait_for(state="attached")

    def wait_for_results(self) -> None:
        self.cards.first.wait_for()
        self.tag.locator("#filters .pick").first.wait_for()

    def until(self, check: Callable[[], object]) -> None:
        """Wait until a check is true, while the page keeps running."""
        end = time.monotonic() + WAIT / 1000
        while not check():
            assert time.monotonic() < end, "it never happens"
            self.page.wait_for_timeout(20)

    def is_focused(self, name: str) -> bool:
        """Return whether the component's node with this id has the focus."""
        script = "node => node.getRootNode().activeElement === node"
        return bool(self.part(name).evaluate(script))

    def is_within(self, name: str) -> bool:
        """Return whether the focus is inside of the component's node with this id."""
        return bool(
            self.part(name).evaluate("node => node.contains(node.getRootNode().activeElement)")
        )

    def settled(self) -> None:
        """Wait until the results are up to date."""
        self.tag.locator("#grid[aria-busy=false]").wait_for(state="attached")


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers; raise TimeoutError if it does not."""
    end = time.monotonic() + START
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            assert server.poll() is None, "the server ended"
            time.sleep(0.1)
    raise TimeoutError(url)
