"""Time index load, rebuild and no-op reindex for a shop with many pictures.

    python -m benchmarks.catalog_scale [--images 100000] [--json]

Creates a shop with generated vectors in a temporary folder (SQLite, real rows, small real files)
and measures each step in a fresh process:

- ``load``: a search process hashes and reads the index file, then applies the newer rows;
- ``rebuild``: the index file is missing, so the index is filled from the rows;
- ``unchanged``: ``visualsearch_index --all`` over an unchanged catalog reads and hashes every
  file, then builds and activates a new version;
- ``load_grown_mb``: memory that the index adds to a search process with an empty index.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--step", choices=("fill", "load", "unchanged"), help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Measure all steps and print the results; with ``--step``, run one step in this process."""
    args = parse_args(argv)
    if args.step:
        import django

        django.setup()
        print(json.dumps({"fill": fill, "load": load, "unchanged": unchanged}[args.step](args)))
        return
    found = measure(args)
    if args.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:<28}{value:>12}")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Run every step in its own process on the same shop; return all measurements by name."""
    with tempfile.TemporaryDirectory(prefix="visualsearch-") as folder:
        home = Path(folder)
        shop = {
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "DATABASE_URL": f"sqlite:///{home}/db.sqlite3",
            "MEDIA_ROOT": str(home / "media"),
            "VISUALSEARCH_DATA_DIR": str(home / "index"),
            "DEBUG": "false",
            "VISUALSEARCH_THROTTLE": "off",
            "SECRET_KEY": "of the benchmark",
        }

        def step(name: str) -> dict[str, Any]:
            command = [sys.executable, "-m", "benchmarks.catalog_scale", "--step", name]
            command += ["--images", str(args.images)]
            environment = {
                name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ
            }
            done = subprocess.run(
                command, env={**environment, **shop}, check=True, capture_output=True, text=True
            )
            answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
            return answer

        found = {"images": args.images, **step("fill")}
        found |= {f"unchanged_{name}": value for name, value in step("unchanged").items()}
        found |= {f"load_{name}": value for name, value in step("load").items()}
        for file in (home / "index").glob("*.index"):
            file.unlink()
        found |= {f"rebuild_{name}": value for name, value in step("load").items()}
        return found


def fill(args: argparse.Namespace) -> dict[str, Any]:
    """Create ``--images`` products, each with a small picture file and its stored embedding."""
    from benchmarks.filling import fill
    from visualsearch.serving import version_encoders

    fill(args.images, Path(os.environ["MEDIA_ROOT"]))
    return {"dim": version_encoders.configured_encoder().dim}


def unchanged(args: argparse.Namespace) -> dict[str, Any]:
    """Time a reindex in which nothing changed: total seconds, and those that build the index.

    Exits if an image was encoded.
    """
    from visualsearch.reindex import runs

    started = time.perf_counter()
    run = runs.execute(runs.request("all")[0])
    spent = time.perf_counter() - started
    if (run.unchanged, run.encoded) != (args.images, 0):
        raise SystemExit(f"{run.unchanged} unchanged, {run.encoded} encoded")
    figures = run.version.figures if run.version else {}
    return {"seconds": round(spent, 2), "of_which_build": figures.get("build_seconds")}


def load(args: argparse.Namespace) -> dict[str, Any]:
    """Time how a search process loads its index, without the model.

    Return seconds, the growth of the process's memory, the size of the vectors, and the process's
    memory, in MB.
    """
    from visualsearch.models import IndexVersion
    from visualsearch.serving import live_index, loaded_versions, version_encoders

    version = IndexVersion.objects.get(state="active")
    encoder = version_encoders.encoder_of(version)
    empty = live_index.empty_index(version, encoder)
    empty.add(np.array([1]), np.ones((1, encoder.dim), np.float32))
    before = resident()
    started = time.perf_counter()
    current = loaded_versions.current()
    spent = time.perf_counter() - started
    found, _scores = current.index.search(np.ones(encoder.dim, np.float32), 10)
    if len(current.index) != args.images or len(found) != 10:
        raise SystemExit(f"{len(current.index)} images in the index, {len(found)} found")
    vectors = args.images * encoder.dim * 2
    return {
        "seconds": round(spent, 2),
        "grown_mb": round((resident() - before) / 1e6, 1),
        "vectors_mb": round(vectors / 1e6, 1),
        "process_mb": round(resident() / 1e6, 1),
    }


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
