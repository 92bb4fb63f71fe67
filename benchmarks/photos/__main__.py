"""Measure what happens to photos as people send them.

    python -m benchmarks.photos [TABLE ...] [--seed N]

Prints Markdown tables, all of them by default:

- colours: cosine of the embeddings of one picture in several colour spaces and formats;
- cost: what colour profiles add to the decoding of 12 megapixels;
- cut: how many JPEGs that were cut past 80 % of their bytes still find their product;
- burst: memory and answers of two web processes that get 16 HEIC at once;
- fuzz: whether damaged files cause anything but a refusal.

The exit status is 1 if a damaged file crashed, hung, or made memory grow.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.photos import burst, colours, cost, cut, fuzz
from benchmarks.search.figures import machine
from shop.demo_catalog import CATALOG

TABLES = {
    "colours": colours.table,
    "cost": cost.table,
    "cut": cut.table,
    "burst": burst.table,
    "fuzz": fuzz.table,
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.photos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(TABLES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--photos", type=int, default=24, help="colours: how many photos")
    parser.add_argument("--rounds", type=int, default=60, help="cost: decodings of each kind")
    parser.add_argument("--catalog", type=Path, default=CATALOG, help="colours, cut: products")
    parser.add_argument("--queries", type=Path, help="cut: photos of them")
    parser.add_argument("--cuts", type=int, default=2000, help="cut: how many files")
    parser.add_argument("--files", type=int, default=5600, help="fuzz: how many files")
    parser.add_argument("--url", help="fuzz: also send the files to this shop")
    args = parser.parse_args()
    if unknown := set(args.tables) - set(TABLES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    return args


def main() -> int:
    """Print the tables; return the exit status."""
    args, host = parse_args(), machine()
    print(f"{host['date']}: {host['threads']} threads of {host['processor']}", end="; ")
    print(f"load average before {host['load_before'][0]}; seed {args.seed}")
    status = 0
    for name in args.tables or TABLES:
        print(f"\n## {name}\n", flush=True)
        status |= TABLES[name](args)
    return status


if __name__ == "__main__":
    sys.exit(main())
