"""Shops of 1,000 to 1,000,000 products, filled once and kept.

    python -m benchmarks.search.catalog SIZE FOLDER     (the shop in the environment)

A folder holds the shop's SQLite database and index, and for the floor and the peers the same
index as FAISS alone writes it, the product cards in its order, and where the model lies.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import django

from benchmarks.search.places import HOME, ROOT, shop

VERSION = 1
# Cards are for the peers, which are measured up to this size.
CARDS_UP_TO = 100_000


def encoder_id() -> str:
    """Names the weights that ship."""
    from visualsearch.conf import SHIPPED_MODEL
    from visualsearch.encoders.package import load_package

    return load_package(SHIPPED_MODEL).encoder_id


def folder_of(size: int) -> Path:
    """Where a catalog lies."""
    return HOME / f"catalog-{size}-{encoder_id()}-{VERSION}"


def ready(size: int) -> Path:
    """A filled catalog's folder; filled now unless it is there."""
    folder = folder_of(size)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "parts.json").exists():
        for name in ("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm"):
            (folder / name).unlink(missing_ok=True)
    prepare(size, folder, shop(folder))
    return folder


def prepare(size: int, folder: Path, environment: dict[str, str]) -> None:
    """Fill a shop, or bring a filled one up to the code, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.search.catalog", str(size), str(folder)]
    subprocess.run(command, env={**environment, "PYTHONPATH": str(ROOT)}, cwd=ROOT, check=True)


def main() -> None:
    """Fill the shop of the environment, unless it is filled; forget the queries of earlier runs."""
    size, folder = int(sys.argv[1]), Path(sys.argv[2])
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    from benchmarks.filling import fill
    from visualsearch.models import Embedding, Query

    start = time.monotonic()
    found = Embedding.objects.count()
    if found not in (0, size):
        raise SystemExit(f"{folder} holds {found:,} of {size:,} products: delete it")
    if not found:
        fill(size)
        print(f"{size:,} products made in {time.monotonic() - start:.0f} s", flush=True)
    if not (folder / "parts.json").exists() or not is_usable():
        index(size, folder)
    Query.objects.all().delete()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # or it would while something else is measured


def is_usable() -> bool:
    """Whether the index that was built is of this code and can be read by it."""
    from visualsearch import index_files, live, versions
    from visualsearch.exceptions import IndexFileError

    version = versions.active()
    if version is None or versions.is_outdated(version):
        return False
    made = live.make(version, live.encoding.of(version))
    try:
        index_files.read(version, type(made), made.dim, version.options)  # type: ignore[type-var]
    except IndexFileError:
        return False
    return True


def index(size: int, folder: Path) -> None:
    """An active index version with its file, and what the peers read."""
    from visualsearch import live, versions

    version = versions.make()
    versions.build(version)
    versions.activate(version)
    export(live.load(version).index, size, folder)


def export(index: Any, size: int, folder: Path) -> None:
    """The index without what is around it, cards by their place in it, and the model's path."""
    import faiss

    from visualsearch import encoding
    from visualsearch.models import IndexVersion

    held = index._held
    if hasattr(held.index, "nprobe"):
        # As many lists as our search reads on average for as many products.
        each = held.index.ntotal / held.index.nlist
        held.index.nprobe = round(held.effort * 1.2**0.5 / each) + 1
    faiss.write_index(held.index, str(folder / "bare.faiss"))
    if size <= CARDS_UP_TO:
        cards = [card(int(number)) for number in index._places.ids]
        (folder / "cards.json").write_text(json.dumps(cards), "utf-8")
    package = encoding.configured().package  # type: ignore[attr-defined]
    described = {
        "size": size,
        "model": str(package.model.path),
        "side": package.input.size,
        "input": package.input_name,
        "embedding": package.outputs["embedding"],
        "dim": package.embedding_dim,
        "index": IndexVersion.objects.get(state="active").figures,
    }
    (folder / "parts.json").write_text(json.dumps(described, indent=1), "utf-8")


def card(number: int) -> dict[str, str]:
    """A product as a list of results shows it."""
    from benchmarks.filling import PRICE, picture, sku

    return {
        "key": sku(number),
        "name": f"Thing {number}",
        "url": f"/products/{number}/thing-{number}/",
        "image": f"/media/{picture(number)}",
        "price": PRICE,
    }


if __name__ == "__main__":
    main()
