"""Fill shops of 1,000 to 1,000,000 products once, and cache them.

    python -m benchmarks.search.catalog SIZE FOLDER     (fills the shop of the environment)

A folder holds the shop's SQLite database and index. For the floor and the peers it also holds the
same index as a plain FAISS file, the product cards in its order, and the path of the model.
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

VERSION = 2
# Only the peers read cards, and they are measured up to this size.
CARDS_UP_TO = 100_000


def encoder_id() -> str:
    """Return the id of the shipped model's encoder."""
    from visualsearch.conf import SHIPPED_MODEL
    from visualsearch.encoders.package import load_package

    return load_package(SHIPPED_MODEL).encoder_id


def folder_of(size: int) -> Path:
    """Return the cache folder of a catalog with ``size`` products."""
    return HOME / f"catalog-{size}-{encoder_id()}-{VERSION}"


def ready(size: int) -> Path:
    """Return the folder of a catalog with ``size`` products; fill or update it if needed."""
    folder = folder_of(size)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "parts.json").exists():
        for name in ("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm"):
            (folder / name).unlink(missing_ok=True)
    prepare(size, folder, shop(folder))
    return folder


def prepare(size: int, folder: Path, environment: dict[str, str]) -> None:
    """Fill or update the shop that ``environment`` selects, in a child process.

    ``folder``: where files for the peers are written.
    """
    command = [sys.executable, "-m", "benchmarks.search.catalog", str(size), str(folder)]
    subprocess.run(command, env={**environment, "PYTHONPATH": str(ROOT)}, cwd=ROOT, check=True)


def main() -> None:
    """Fill and index the shop of the environment if needed, and delete its search log."""
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
            cursor.execute("VACUUM ANALYZE")  # or autovacuum would disturb a measurement


def is_usable() -> bool:
    """Return whether the active index version is up to date and its file readable."""
    from visualsearch.exceptions import IndexFileError
    from visualsearch.indexes.base import FileIndex
    from visualsearch.serving import index_files, live_index, version_encoders
    from visualsearch.versions import lifecycle

    version = lifecycle.active_version()
    if version is None or lifecycle.is_outdated(version):
        return False
    made = live_index.empty_index(version, version_encoders.encoder_of(version))
    assert isinstance(made, FileIndex)
    try:
        index_files.read(version, type(made), made.dim, version.options)
    except IndexFileError:
        return False
    return True


def index(size: int, folder: Path) -> None:
    """Build and activate an index version, and write the files for the peers to ``folder``."""
    from visualsearch.serving import replay
    from visualsearch.versions import lifecycle

    version = lifecycle.create_version()
    lifecycle.build(version)
    lifecycle.activate(version)
    export(replay.load_index(version).index, size, folder)


def export(index: Any, size: int, folder: Path) -> None:
    """Write the index as a plain FAISS file, the product cards in its order, and ``parts.json``.

    ``size``: number of products. ``parts.json`` has the path of the model and the names of its
    input and output.
    """
    import faiss

    from visualsearch.models import IndexVersion
    from visualsearch.serving import version_encoders

    held = index._held
    if hasattr(held.index, "nprobe"):
        # Our search reads this many lists on average for a catalog of this size.
        each = held.index.ntotal / held.index.nlist
        held.index.nprobe = round(held.effort * 1.2**0.5 / each) + 1
    faiss.write_index(held.index, str(folder / "bare.faiss"))
    if size <= CARDS_UP_TO:
        cards = [card(int(number)) for number in index._places.ids]
        (folder / "cards.json").write_text(json.dumps(cards), "utf-8")
    package = version_encoders.configured_encoder().package  # type: ignore[attr-defined]
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
    """Return the card of product ``number``, as a result list shows it."""
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
