"""Indexing: what ``visualsearch_index`` makes of what decoding and encoding alone would take.

python -m benchmarks.search.indexing rows     (makes the products; the shop in the environment)
python -m benchmarks.search.indexing floor FOLDER PART OF
"""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from PIL import ImageOps

from benchmarks.search.catalog import ready
from benchmarks.search.places import HOME, ROOT, environment, shop
from benchmarks.search.sections import Found, Plan, show

SIZE = (1000, 1250)
QUALITY = 88
VERSION = 1
PROCESSES = 2


def measure(plan: Plan) -> Found:
    """Images per second of the command, and of decoding and encoding the same files."""
    media = drawn(plan.pictures) / "products"
    files = sorted(media.glob("*.jpg"))[: plan.pictures]
    catalog = ready(plan.sizes[0])
    row: Found = {
        "pictures": len(files),
        "file_kb": round(sum(file.stat().st_size for file in files) / len(files) / 1000, 1),
        "floor_one": alone(catalog, files, 1),
        "floor": alone(catalog, files, PROCESSES),
        **by_command(files, media.parent),
    }
    row["ratio"] = round(row["per_s"] / row["floor"]["per_s"], 3)
    row["ratio_one"] = round(row["per_s"] / row["floor_one"]["per_s"], 3)
    show("indexing", f"{row['per_s']}/s", f"alone {row['floor']['per_s']}/s")
    return row


def drawn(count: int) -> Path:
    """A media folder with ``products/N.jpg``, all of them different; drawn on first use."""
    folder = HOME / f"pictures-{VERSION}" / "products"
    missing = [n for n in range(count) if not (folder / f"{n:05}.jpg").exists()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor() as pool:
            list(pool.map(draw, missing, [folder] * len(missing), chunksize=8))
    return folder.parent


def draw(number: int, folder: Path) -> None:
    """One product's picture; after the last product comes the first again, turned round."""
    from shop.demo.products import products
    from shop.demo.studio import product_photo

    every = products()
    view, one = divmod(number, len(every))
    picture = product_photo(every[one], "front" if view < 2 else "back").resize(SIZE)
    if view % 2:
        picture = ImageOps.mirror(picture)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY - view // 4)
    (folder / f"{number:05}.jpg").write_bytes(buffer.getvalue())


def by_command(files: list[Path], media: Path) -> Found:
    """A new shop, indexed by the command; with its start and without it."""
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
        ((worked,),) = database.execute("SELECT worked FROM visualsearch_run").fetchall()
    return {
        "wall_s": round(wall, 3),
        "per_s": round(len(files) / wall, 2),
        "worked_s": round(worked, 3),
        "per_s_worked": round(len(files) / worked, 2),
    }


def alone(catalog: Path, files: list[Path], count: int) -> Found:
    """Decoding and encoding the files in ``count`` processes; the slowest one counts."""
    command = [sys.executable, "-m", "benchmarks.search.indexing", "floor", str(catalog)]
    running = [
        subprocess.Popen(
            [*command, str(part), str(count)],
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
    return {
        "processes": count,
        "wall_s": round(slowest, 3),
        "per_s": round(len(files) / slowest, 2),
    }


def floor(catalog: str, part: str, of: str) -> float:
    """Seconds for one process's share of the files named on stdin."""
    from benchmarks.peers.parts import Parts

    parts = Parts(catalog, cards=False)
    files = [Path(line) for line in sys.stdin.read().splitlines()][int(part) :: int(of)]
    parts.encode(parts.decode(files[0].read_bytes()))
    start = time.perf_counter()
    for file in files:
        parts.encode(parts.decode(file.read_bytes()))
    return time.perf_counter() - start


def rows() -> None:
    """A product for each picture named on stdin."""
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
