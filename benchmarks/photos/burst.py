"""Send 16 HEIC at once to a shop with two web processes, and watch its memory."""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.search import processes
from benchmarks.search.places import ROOT, shop
from benchmarks.search.report import table as markdown
from benchmarks.servers import wait_for
from shop.demo_catalog import CATALOG
from shop.tools.ports import free_port
from tests.corpus.send import ask
from tests.helpers.pictures import encoded, picture
from tests.helpers.worst_photos import heic

PHOTOS, WORKERS, GOAL_MB = 16, 2, 700
# Megapixels and quality of the photos; they take turns.
KINDS = ((12, 75), (16, 70), (20, 60), (25, 45))
# Seconds: between two looks at the memory; after the burst; of a client.
EVERY, AFTER, PATIENCE = 0.02, 2.0, 30.0
# The same values as in docker-compose.yml.
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, str]]:
    """Serve the demo shop with Gunicorn, without Redis; yield its process id and its URL."""
    port, log = free_port(), folder / "log"
    environment = shop(folder, **THREADS, HTTPS="false", PORT=str(port))
    environment |= {"WEB_CONCURRENCY": str(WORKERS)}
    environment["DJANGO_SETTINGS_MODULE"] = "benchmarks.photos.shop_settings"
    for command in (["migrate"], ["load_catalog", str(CATALOG), "--no-index"]):
        manage(command, environment)
    manage(["visualsearch_index"], environment)
    command = [sys.executable, "-m", "gunicorn", "shop.wsgi", "--config", "shop/gunicorn.py"]
    server = processes.start(command, environment, log)
    try:
        wait_for(port, server)
        yield server.pid, f"http://127.0.0.1:{port}"
    finally:
        processes.stop(server)


def manage(command: list[str], environment: dict[str, str]) -> None:
    """Run a management command in silence."""
    whole = [sys.executable, "manage.py", *command]
    subprocess.run(whole, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


class Memory:
    """The memory of a process and its children in MB, with shared pages counted once."""

    def __init__(self, pid: int):
        self.pid, self.peak, self.ended = pid, 0.0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def now(self) -> float:
        """Return what is used now."""
        return sum(each["pss"] for each in processes.memory({"web": self.pid}))

    def watch(self) -> None:
        while not self.ended.wait(EVERY):
            self.peak = max(self.peak, self.now())

    def __enter__(self) -> Memory:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()


def send(url: str, photo: bytes) -> tuple[int, float]:
    """Search with a photo; return status (0 without an answer) and seconds."""
    status, _, seconds, _ = ask(url, "search", "image/heic", photo, PATIENCE)
    return status, seconds


def table(args: argparse.Namespace) -> int:
    """Print memory, answers and times of a burst."""
    photos = [heic(megapixels, 8, 420, quality) for megapixels, quality in KINDS]
    with (
        TemporaryDirectory() as folder,
        served(Path(folder)) as (pid, url),
        ThreadPoolExecutor(PHOTOS) as clients,
    ):
        # Both processes load the model and the index first.
        list(clients.map(lambda n: send(url, encoded(picture(n))), range(PHOTOS)))
        with Memory(pid) as memory:
            before = memory.now()
            burst = [photos[number % len(photos)] for number in range(PHOTOS)]
            answers = list(clients.map(lambda photo: send(url, photo), burst))
            time.sleep(AFTER)
            after = memory.now()
    statuses = Counter(status for status, _ in answers)
    lines: list[list[object]] = [
        ["memory before, MB", round(before)],
        ["most memory, MB", f"{memory.peak:.0f} (goal {GOAL_MB})"],
        [f"memory {AFTER:g} s after the last answer, MB", round(after)],
        *([f"answers {status or 'missing'}", count] for status, count in sorted(statuses.items())),
        ["slowest answer, s", f"{max(seconds for _, seconds in answers):.1f}"],
    ]
    sizes = ", ".join(f"{megapixels}" for megapixels, _ in KINDS)
    print(f"{PHOTOS} HEIC of {sizes} megapixels; {WORKERS} web processes and their parent\n")
    print(markdown(["", ""], lines))
    return 0
