"""Compare ``visualsearch_index`` with decoding and encoding alone, in images per second.

python -m benchmarks.search.indexing rows     (creates products in the shop of the environment)
python -m benchmarks.search.indexing floor FOLDER PART OF same|least

The floor processes only read the files, decode them and call the model; their start and first call
are not counted. ``same`` decodes as we do, large enough for crops; ``least`` decodes no larger than
the model needs.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image, ImageOps

from benchmarks.search.catalog import ready
from benchmarks.search.places import HOME, ROOT, environment, shop
from benchmarks.search.sections import Found, Plan, show
from shop.demo_catalog import pictures

SIZE = (1000, 1250)
QUALITY = 88
VERSION = 2
PROCESSES = 2
# The variants alternate, so that noise on the machine affects all of them.
ROUNDS = 5


def measure(plan: Plan) -> Found:
    """Return images per second of ``visualsearch_index``, and of decoding and encoding alone."""
    media = copied(plan.pictures) / "products"
    files = sorted(media.glob("*.jpg"))[: plan.pictures]
    catalog = ready(plan.sizes[0])
    rounds = []
    with cores(PROCESSES):
        floor_one = alone(catalog, files, 1, "same")
        for _ in range(ROUNDS):
            rounds.append(
                {
                    "floor": alone(catalog, files, PROCESSES, "same"),
                    **by_command(files, media.parent),
                    "floor_least": alone(catalog, files, PROCESSES, "least"),
                }
            )
    ratios = {
        "ratio": [each["per_s_run"] / each["floor"] for each in rounds],
        "ratio_least": [each["per_s_run"] / each["floor_least"] for each in rounds],
    }
    row: Found = {
        "pictures": len(files),
        "file_kb": round(sum(file.stat().st_size for file in files) / len(files) / 1000, 1),
        "processes": PROCESSES,
        "floor_one": round(floor_one, 2),
        **{name: round(median(each[name] for each in rounds), 2) for name in rounds[0]},
        **{name: round(median(values), 3) for name, values in ratios.items()},
        "ratios": [round(value, 3) for value in ratios["ratio"]],
    }
    show("indexing", f"{row['per_s_run']}/s", f"alone {row['floor']}/s: {row['ratios']}")
    return row


@contextmanager
def cores(count: int) -> Iterator[None]:
    """Restrict this process and those it starts to the first ``count`` cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def copied(count: int) -> Path:
    """Return a media folder with ``count`` different pictures ``products/N.jpg``.

    Missing ones are made from the demo's photos.
    """
    folder = HOME / f"pictures-{VERSION}" / "products"
    missing = [n for n in range(count) if not (folder / f"{n:05}.jpg").exists()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor() as pool:
            list(pool.map(write, missing, [folder] * len(missing), chunksize=8))
    return folder.parent


def write(number: int, folder: Path) -> None:
    """Write picture ``number``: a demo photo, 1000 × 1250 pixels.

    Numbers beyond the demo's photos repeat them mirrored, then cropped a little.
    """
    files = pictures()
    turn, one = divmod(number, len(files))
    with Image.open(files[one]) as opened:
        picture = ImageOps.fit(opened.convert("RGB"), SIZE, bleed=0.01 * (turn // 2))
    if turn % 2:
        picture = ImageOps.mirror(picture)
    picture.save(folder / f"{number:05}.jpg", quality=QUALITY)


def by_command(files: list[Path], media: Path) -> Found:
    """Index a new shop by ``visualsearch_index``; return ``wall_s`` and images per second.

    ``media``: the folder of ``files``. ``per_s`` includes the command's start, ``per_s_run`` does
    not, and ``per_s_worked`` leaves out building the index as well.
    """
    folder = HOME / "indexing"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environ = {**shop(folder), "MEDIA_ROOT": str(media)}
    names = "\n".join(file.name for file in files)
    command = [sys.executable, "-m", "benchmarks.search.indexing", "rows"]
    subprocess.run(command, input=names, env=environ, cwd=ROOT, check=True, text=True)
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "manage.py", "visualsearch_index", "--json"],
        env=environ,
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    wall = time.monotonic() - start
    report = json.loads(done.stdout)
    if report["encoded"] != len(files):
        raise RuntimeError(f"not all pictures were indexed: {report}")
    with closing(sqlite3.connect(folder / "db.sqlite3")) as database:
        columns = "worked, (julianday(finished) - julianday(created)) * 86400"
        ((worked, ran),) = database.execute(f"SELECT {columns} FROM visualsearch_run").fetchall()
    return {
        "wall_s": wall,
        "per_s": len(files) / wall,
        "per_s_run": len(files) / ran,
        "per_s_worked": len(files) / worked,
    }


def alone(catalog: Path, files: list[Path], count: int, how: str) -> float:
    """Return images per second of ``count`` processes that only decode and encode ``files``.

    The slowest process sets the time. ``catalog``: folder of the model. ``how``: ``same`` decodes
    as our search does, ``least`` no larger than the model needs.
    """
    command = [sys.executable, "-m", "benchmarks.search.indexing", "floor", str(catalog)]
    running = [
        subprocess.Popen(
            [*command, str(part), str(count), how],
            env=environment(),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for part in range(count)
    ]
    try:
        for process in running:
            assert process.stdin is not None
            process.stdin.write("\n".join(str(file) for file in files))
            process.stdin.close()
        slowest = max(float(process.stdout.read()) for process in running if process.stdout)
    finally:
        for process in running:
            process.kill()
            process.wait()
    return len(files) / slowest


def floor(catalog: str, part: str, of: str, how: str) -> float:
    """Decode and encode one of ``of`` equal shares of the files on stdin; return the seconds.

    ``catalog``: folder of the model. ``part``: number of the share, from 0. ``how``: ``same``
    decodes as our search does, ``least`` no larger than the model needs.
    """
    from benchmarks.peers.parts import Parts
    from visualsearch.encoders.preprocess import InputSpec, prepare
    from visualsearch.photos.decode import open_photo

    parts = Parts(catalog, cards=False)
    spec = InputSpec(size=parts.side)

    def as_we_do(data: bytes) -> Any:
        return prepare(open_photo(data).image, spec)[None]

    decode = as_we_do if how == "same" else parts.decode
    files = [Path(line) for line in sys.stdin.read().splitlines()][int(part) :: int(of)]
    parts.encode(decode(files[0].read_bytes()))
    start = time.perf_counter()
    for file in files:
        parts.encode(decode(file.read_bytes()))
    return time.perf_counter() - start


def rows() -> None:
    """Create a product for each picture file named on stdin."""
    import django

    django.setup()
    from django.core.management import call_command

    from shop.models import Category, Product, ProductImage

    call_command("migrate", verbosity=0)
    category = Category.objects.create(name="Things")
    names = sys.stdin.read().splitlines()
    products = [
        Product(pk=n, sku=f"S{n:07}", name=f"Thing {n}", category=category, price="9.00")
        for n in range(1, len(names) + 1)
    ]
    Product.objects.bulk_create(products)
    pictures: list[Any] = [
        ProductImage(product=product, image=f"products/{name}")
        for product, name in zip(products, names, strict=True)
    ]
    ProductImage.objects.bulk_create(pictures)


if __name__ == "__main__":
    if sys.argv[1] == "rows":
        rows()
    else:
        print(floor(*sys.argv[2:]))
