"""Time what grows with the catalog, at several sizes, and compute it for 10 million pictures.

    python -m benchmarks.catalog_scale [--sizes 10000,100000,1000000] [--files-up-to N] [--json]

Creates a shop per size with generated vectors, in PostgreSQL from its pip package and a temporary
folder, and measures each step in a fresh process:

- ``table of …``: bytes of a table and its indexes; ``file``, ``memory``: of the index;
- ``build``: an index version is built from the rows; ``activate``: it becomes the active one;
- ``load``: a search process hashes and reads the index file; ``rebuild``: the file is missing;
- ``replay``: the first search after 100 pictures have changed;
- ``drift``: ``visualsearch_check``; ``unchanged``: ``visualsearch_index --all`` over an unchanged
  catalog, which reads and hashes every file (only up to ``--files-up-to``);
- ``request …``: the median of a request in the process, without the HTTP server; the filter passes
  1 % of the products;
- ``admin …``: a page of the admin.

The last columns: the exponent of growth between the two largest sizes (0: constant, 1: linear), and
what 10 million pictures take if it goes on like that.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.scale_steps import STEPS
from benchmarks.servers import postgresql

LARGEST = 10_000_000
Figures = dict[str, float]


def numbers(text: str) -> list[int]:
    return sorted(int(each) for each in text.replace("_", "").split(","))


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=numbers, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--files-up-to", type=int, default=100_000, metavar="N")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Measure all sizes and print the results; with ``--step``, run one step in this process."""
    args = parse_args(argv)
    if args.step:
        import django

        django.setup()
        name, images = args.step
        print(json.dumps(STEPS[name](int(images))))
        return
    found = {}
    for size in args.sizes:
        found[size] = measure(size, with_files=size <= args.files_up_to)
        print(json.dumps({"images": size, **found[size]}), file=sys.stderr, flush=True)
    print(json.dumps(found) if args.json else table(found))


def measure(images: int, *, with_files: bool) -> Figures:
    """Run every step in its own process on the same shop; return all measurements by name."""
    with tempfile.TemporaryDirectory(prefix="visualsearch-") as folder, postgresql() as database:
        home = Path(folder)
        shop = {
            "DJANGO_SETTINGS_MODULE": "shop.settings",
            "DATABASE_URL": f"postgres://postgres:@/postgres?host={database}",
            "VISUALSEARCH_DATA_DIR": str(home / "index"),
            "DEBUG": "false",
            "HTTPS": "false",
            "VISUALSEARCH_THROTTLE": "off",
            "LOG_LEVEL": "ERROR",
            "SECRET_KEY": "of the benchmark",
            "MEDIA_ROOT": str(home / "media"),
            "STATIC_ROOT": str(home / "static"),
            # The same value as in docker-compose.yml.
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        usual = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        collect = [sys.executable, "-m", "django", "collectstatic", "--noinput", "--verbosity=0"]
        subprocess.run(collect, env=usual | shop, check=True)
        found: Figures = {}
        for name in steps(with_files):
            command = [sys.executable, "-m", "benchmarks.catalog_scale"]
            command += ["--step", name, str(images)]
            done = subprocess.run(
                command, env=usual | shop, check=True, stdout=subprocess.PIPE, text=True
            )
            found |= json.loads(done.stdout.splitlines()[-1])
        return found


def steps(with_files: bool) -> list[str]:
    """Return the names of the steps in their order; without picture files, no reindex."""
    left_out = {"fill"} if with_files else {"fill with files", "unchanged"}
    return [name for name in STEPS if name not in left_out]


def growth(small: tuple[int, float], large: tuple[int, float]) -> float:
    """Return the exponent of growth between two (size, value): 0 is constant, 1 linear."""
    return math.log(max(large[1], 1e-9) / max(small[1], 1e-9)) / math.log(large[0] / small[0])


def table(found: dict[int, Figures]) -> str:
    """Return a Markdown table: a line per figure, a column per size, growth, and 10 million."""
    sizes = list(found)
    head = ["", *(f"{size:,}" for size in sizes), "growth", f"{LARGEST:,}"]
    lines = [head, ["---"] * len(head)]
    for name in dict.fromkeys(name for size in sizes for name in found[size]):
        values = [(size, found[size][name]) for size in sizes if name in found[size]]
        cells = [f"{found[size][name]:,.4g}" if name in found[size] else "" for size in sizes]
        if len(values) > 1:
            exponent = growth(*values[-2:])
            size, value = values[-1]
            cells += [f"{exponent:.2f}", f"{value * (LARGEST / size) ** exponent:,.3g}"]
        else:
            cells += ["", ""]
        lines.append([name, *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
