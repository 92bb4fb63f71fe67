"""Measure a reindex: its memory for many keys, and its speed with one worker and with two.

    python -m benchmarks.index_workers --keys 1000000       (SQLite)
    python -m benchmarks.index_workers --pictures 20000     (PostgreSQL, the shipped model)

``--keys``: products without a picture, and a tenth as many embeddings of products that are gone,
so that only the keys cost memory; prints the peak resident memory of the process that works on the
run. ``--pictures``: products with one picture of 300 × 400 pixels each. Each worker is a process
with one thread on a core of its own. One worker indexes all pictures, then two workers do so again
from the start, and the stored embeddings are compared. Each worker prints which share of the time
it ran, waited for a core that other programs used, and was blocked, by the database for example.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.search.places import ROOT, shop

SIZE = (300, 400)
BATCH = 10_000


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.index_workers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--keys", type=int, help="products without a picture")
    parser.add_argument("--pictures", type=int, help="products with a picture")
    parser.add_argument(
        "--rounds", type=int, default=1, help="how often to compare, alternately, for the median"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--step", choices=sorted(STEPS), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Measure what the arguments ask for; with ``--step``, do that step in this process."""
    args = parse_args(argv)
    if args.step:
        import django

        django.setup()
        if args.step.endswith("keys"):
            without_pictures()
        print(json.dumps(STEPS[args.step](args.count)), flush=True)
        return
    if not (args.keys or args.pictures):
        raise SystemExit("Pass --keys or --pictures.")
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="visualsearch-") as folder:
        if args.keys:
            found |= measure_keys(Path(folder) / "keys", args.keys)
        if args.pictures:
            found |= measure_workers(Path(folder) / "pictures", args.pictures, args.rounds)
    if args.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<24}{value!s:>12}")


def without_pictures() -> None:
    """Let the shop of this process use the fake encoder, and have no pictures."""
    from django.conf import settings
    from django.test.utils import override_settings

    from shop.visual import ProductCatalog

    fake = {"ENCODER": "visualsearch.encoders.fake.FakeEncoder", "ENCODER_OPTIONS": {}}
    override_settings(VISUALSEARCH=settings.VISUALSEARCH | fake).enable()
    ProductCatalog.images = lambda self, item: []  # type: ignore[method-assign]


def measure_keys(folder: Path, keys: int) -> dict[str, Any]:
    """Return the peak memory in MB of a run over ``keys`` products, and its seconds."""
    folder.mkdir()
    environ = shop(folder)
    step("fill_keys", environ, keys)
    return {"keys": keys, **step("run_keys", environ, keys)}


def step(name: str, environ: dict[str, str], count: int) -> dict[str, Any]:
    """Do a step in a fresh process, and return what it prints."""
    with start(name, environ, count) as process:
        output, _errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"the step {name} failed")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def start(
    name: str, environ: dict[str, str], count: int, core: int | None = None
) -> subprocess.Popen[str]:
    """Start a step in a fresh process, on one core if ``core`` is its number."""
    command = [sys.executable, "-m", "benchmarks.index_workers"]
    pin = [] if core is None else ["taskset", "-c", str(core)]
    return subprocess.Popen(
        [*pin, *command, "--step", name, "--count", str(count)],
        env=environ,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def fill_keys(count: int) -> dict[str, Any]:
    """Create ``count`` products, and embeddings of a tenth as many that do not exist."""
    from django.core.management import call_command

    from benchmarks.filling import PRICE, insert, sku
    from shop.models import Category, Product
    from visualsearch.models import Embedding
    from visualsearch.serving import version_encoders

    call_command("migrate", verbosity=0)
    category = Category.objects.create(name="Things")
    for numbers in numbered(count):
        insert([Product(sku=sku(n), name="Thing", category=category, price=PRICE) for n in numbers])
    encoder = version_encoders.configured_encoder()
    vector = bytes(2 * encoder.dim)
    for numbers in numbered(count // 10):
        row = {"encoder": encoder.id, "image": "x", "vector": vector, "revision": 1}
        insert([Embedding(item=f"GONE{n:07}", **row) for n in numbers])
    return {}


def numbered(count: int) -> Iterator[range]:
    """Yield the numbers below ``count`` in batches."""
    for first in range(0, count, BATCH):
        yield range(first, min(count, first + BATCH))


def run_keys(count: int) -> dict[str, Any]:
    """Execute a run over all keys, and return its peak memory and seconds."""
    from visualsearch.reindex import runs

    before = peak()
    started = time.perf_counter()
    run = runs.execute(runs.request("all")[0])
    spent = time.perf_counter() - started
    expected = (count + count // 10, count // 10)
    if (run.done, run.removed) != expected or run.items != run.done:
        raise SystemExit(f"{run.done} of {run.items} items, {run.removed} removed")
    return {"seconds": round(spent, 1), "before_mb": before, "peak_mb": peak()}


def peak() -> float:
    """Return the peak resident memory of this process in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, 1)


def measure_workers(folder: Path, pictures: int, rounds: int) -> dict[str, Any]:
    """Return images per second of one worker and of two, on PostgreSQL; medians of all rounds."""
    from shop.tools.stack import Stack

    folder.mkdir()
    stack = Stack(folder)
    try:
        stack.start_servers()
        environ = stack.environment | {"REDIS_URL": "", "OMP_NUM_THREADS": "1"}
        step("fill_pictures", environ, pictures)
        seconds: dict[int, list[float]] = {1: [], 2: []}
        digests = set()
        for _ in range(rounds):
            for workers in seconds:
                spent, digest = index(environ, pictures, workers)
                seconds[workers].append(spent)
                digests.add(digest)
                step("forget", environ, pictures)
    finally:
        stack.stop_all()
    ratios = [one / two for one, two in zip(*seconds.values(), strict=True)]
    return {
        "pictures": pictures,
        "one_per_s": round(pictures / median(seconds[1]), 1),
        "two_per_s": round(pictures / median(seconds[2]), 1),
        "speedup": round(median(ratios), 2),
        "speedups": [round(each, 2) for each in ratios],
        "rows_equal": len(digests) == 1,
    }


def index(environ: dict[str, str], pictures: int, workers: int) -> tuple[float, str]:
    """Index all pictures with some workers; return the seconds and a digest of the embeddings."""
    cores = sorted(os.sched_getaffinity(0))
    if workers > len(cores):
        raise SystemExit(f"{workers} workers need as many cores")
    with ExitStack() as stack:
        processes = [
            stack.enter_context(start("work", environ, pictures, cores[n])) for n in range(workers)
        ]
        for process in processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdout.readline()  # ready
        started = time.perf_counter()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            if process.wait():
                raise SystemExit("a worker failed")
        spent = time.perf_counter() - started
        for process in processes:
            assert process.stdout is not None
            print(f"{workers} worker(s), {spent:.1f} s:", process.stdout.readlines()[-1].strip())
    return spent, step("digest", environ, pictures)["digest"]


def fill_pictures(count: int) -> dict[str, Any]:
    """Create ``count`` products with a picture each, and request a run."""
    import numpy as np
    from django.core.management import call_command
    from PIL import Image

    from benchmarks.filling import PRICE, insert, picture, sku
    from shop.models import Category, Product, ProductImage
    from visualsearch.reindex import runs

    call_command("migrate", verbosity=0)
    media = Path(os.environ["MEDIA_ROOT"])
    (media / "products").mkdir(parents=True)
    category = Category.objects.create(name="Things")
    for numbers in numbered(count):
        products, images = [], []
        for n in numbers:
            colours = np.random.default_rng(n).integers(0, 256, (4, 3, 3), np.uint8)
            drawn = Image.fromarray(colours).resize(SIZE, Image.Resampling.BICUBIC)
            file = io.BytesIO()
            drawn.save(file, "JPEG", quality=90)
            (media / picture(n)).write_bytes(file.getvalue())
            product = Product(pk=n + 1, sku=sku(n), name="Thing", category=category, price=PRICE)
            products.append(product)
            images.append(ProductImage(product=product, image=picture(n)))
        insert(products)
        ProductImage.objects.bulk_create(images)
    runs.request("all")
    return {}


def work(count: int) -> dict[str, Any]:
    """Load the model, wait for a line on stdin, and work on the open run until it is closed."""
    import numpy as np
    from PIL import Image

    from visualsearch.models import Run
    from visualsearch.reindex import runs
    from visualsearch.reindex.chunks import TakenOver
    from visualsearch.serving import version_encoders

    version_encoders.configured_encoder().encode([Image.fromarray(np.zeros((9, 9, 3), np.uint8))])
    run = Run.objects.get(open=True)
    print("ready", flush=True)
    sys.stdin.readline()
    before, started = scheduler_times(), time.perf_counter()
    while run.open:
        try:
            runs.execute(run)
        except TakenOver:
            run.refresh_from_db()
        if run.open:
            time.sleep(0.1)
            run.refresh_from_db()
    if (run.done, run.encoded) != (count, count):
        raise SystemExit(f"{run.done} items, {run.encoded} encoded: {run.error}")
    return scheduled(before, time.perf_counter() - started)


def scheduler_times() -> list[float]:
    """Return the seconds that this thread has run, and waited for a core, since its start."""
    ran, waited, _turns = Path("/proc/thread-self/schedstat").read_text("ascii").split()
    return [int(ran) / 1e9, int(waited) / 1e9]


def scheduled(before: list[float], seconds: float) -> dict[str, float]:
    """Return the shares of ``seconds`` in which this thread ran, waited for a core, was blocked."""
    ran, waited = (now - then for now, then in zip(scheduler_times(), before, strict=True))
    shares = {"ran": ran, "waited": waited, "blocked": seconds - ran - waited}
    return {name: round(value / seconds, 2) for name, value in shares.items()}


def digest(count: int) -> dict[str, Any]:
    """Return the SHA-256 of all embeddings, which must be ``count``."""
    from visualsearch.models import Embedding

    found = hashlib.sha256()
    rows = Embedding.objects.filter(error="", removed=False).order_by("item", "image")
    if rows.count() != count:
        raise SystemExit(f"{rows.count()} embeddings")
    for item, image, content, vector in rows.values_list(
        "item", "image", "content_hash", "vector"
    ).iterator():
        found.update(f"{item} {image} {content} ".encode() + bytes(vector))
    return {"digest": found.hexdigest()}


def forget(count: int) -> dict[str, Any]:
    """Delete all embeddings, versions and runs, and request another run."""
    from visualsearch.models import Embedding, IndexVersion, Run
    from visualsearch.reindex import runs

    for model in (Run, Embedding, IndexVersion):
        model.objects.all().delete()
    runs.request("all")
    return {}


STEPS = {each.__name__: each for each in (fill_keys, run_keys, fill_pictures, work, digest, forget)}


if __name__ == "__main__":
    main()
