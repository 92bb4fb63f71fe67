"""Time a phone user's wait from choosing a photo to seeing the first product.

    python -m benchmarks.storefront [--runs N]

Opens the sample shop's search page in Chromium, throttled to a phone on a mobile network (a quarter
of the CPU; 150 ms round trip, 1.6 Mbit/s up, 9 Mbit/s down), with a 12-megapixel photo and one web
process. Needs tests/requirements.txt, benchmarks/requirements.txt and Chromium. Run nothing else
meanwhile.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.search.photos import BYTES, SIZES, demo_scene, grained
from benchmarks.search.places import HOME, ROOT, shop
from benchmarks.servers import wait_for
from shop.demo_catalog import CATALOG
from shop.tools.ports import free_port

FOLDER = HOME / "storefront"
PROCESSOR = 4
NETWORK = {
    "offline": False,
    "latency": 150,  # ms
    "uploadThroughput": 1_600_000 / 8,  # bytes a second
    "downloadThroughput": 9_000_000 / 8,
}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
GOAL_S, GOAL_BYTES = 2.5, 150_000

# Times by the page's own clock, from the moment the file input receives the photo.
WATCH = """async () => {
    const tag = [...document.querySelectorAll('visual-search')].at(-1);
    const times = {};
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
        if (body) {
            times.bytes = body.get('image').size;
            times.sent = performance.now();
            this.addEventListener('load', () => { times.answered = performance.now(); });
        }
        return send.call(this, body);
    };
    const input = tag.shadowRoot.querySelector('#files');
    input.addEventListener('change', () => { times.chosen = performance.now(); }, true);
    window.seen = new Promise((resolve) => {
        const look = () => {
            const picture = tag.shadowRoot.querySelector('#grid img');
            if (!picture?.complete || !picture.naturalWidth) requestAnimationFrame(look);
            else resolve({...times, seen: performance.now()});
        };
        look();
    });
}"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.storefront",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--runs", type=int, default=5, help="of which the median counts")
    return parser.parse_args()


def main(args: argparse.Namespace) -> int:
    """Print the times of each phase; return the exit status.

    It is 0 if the median total is below 2.5 s and fewer than 150 kB were uploaded, else 1.
    """
    photo = large_photo()
    with served() as origin, browser() as chromium:
        runs = [measured(chromium, origin, photo) for _ in range(args.runs + 1)][1:]
    rows = {
        "photo turned, shrunk and written": [run["sent"] - run["chosen"] for run in runs],
        "sent, searched, answered": [run["answered"] - run["sent"] for run in runs],
        "first product's picture seen": [run["seen"] - run["answered"] for run in runs],
        "in all": [run["seen"] - run["chosen"] for run in runs],
    }
    print("| | median | slowest |\n|---|---|---|")
    for name, times in rows.items():
        print(f"| {name} | {median(times) / 1000:.2f} s | {max(times) / 1000:.2f} s |")
    sent = max(run["bytes"] for run in runs)
    print(f"| bytes sent of {photo.stat().st_size:,} | {sent:,} | |")
    return 0 if median(rows["in all"]) < GOAL_S * 1000 and sent < GOAL_BYTES else 1


def large_photo() -> Path:
    """Return the path of a 12-megapixel photo of a garment with sensor noise; it is cached."""
    path = FOLDER / "photo.jpg"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        path.write_bytes(grained(demo_scene(1).resize(SIZES["12"]), 1, BYTES["12"]))
    return path


@contextmanager
def served() -> Iterator[str]:
    """Serve the demo shop, loaded on first use; yield its URL."""
    environment = shop(FOLDER) | {"DEBUG": "true"}
    for command in (
        ["migrate", "--verbosity=0"],
        ["load_catalog", str(CATALOG), "--no-index"],
        ["visualsearch_index"],
    ):
        quiet = subprocess.DEVNULL
        manage = [sys.executable, "manage.py", *command]
        subprocess.run(manage, cwd=ROOT, env=environment, check=True, stdout=quiet)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "shop.wsgi", "--threads=4"]
    with (FOLDER / "server.log").open("w") as log:
        address = f"--bind=127.0.0.1:{port}"
        server = subprocess.Popen(
            [*command, address], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            wait_for(port, server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


@contextmanager
def browser() -> Iterator[Any]:
    """Yield a headless Chromium; exit if none is installed."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise SystemExit("no Chromium is installed (Debian: apt-get install chromium)")
    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def measured(chromium: Any, origin: str, photo: Path) -> dict[str, float]:
    """Run a visitor's first search at ``origin`` in a new context of the browser.

    Return the page's timestamps in ms, ``chosen``, ``sent``, ``answered`` and ``seen``, and the
    ``bytes`` uploaded.
    """
    context = chromium.new_context(base_url=origin, **PHONE)
    page = context.new_page()
    page.goto("/search/photo/")
    page.locator("visual-search").last.locator("#choose").wait_for()
    page.evaluate(WATCH)
    phone = context.new_cdp_session(page)
    phone.send("Network.enable")
    phone.send("Network.emulateNetworkConditions", NETWORK)
    phone.send("Emulation.setCPUThrottlingRate", {"rate": PROCESSOR})
    page.locator("visual-search").last.locator("#files").set_input_files(photo)
    found: dict[str, float] = page.evaluate("window.seen")
    context.close()
    return found


if __name__ == "__main__":
    sys.exit(main(parse_args()))
