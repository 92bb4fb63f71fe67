"""Measure what words with a photo find, and what words, groups, rules and objects cost.

    python -m benchmarks.wishes quality --catalog CATALOG.csv --queries QUERIES.csv
    python -m benchmarks.wishes cost [--products 100000] [--rounds 200]

``quality`` loads a catalog (columns as load_catalog reads them) into a shop of its own and searches
with labelled photos (columns ``image``, ``sku`` and ``style``): without words, with the word of the
product's category, with a word that describes nothing, and, for styles of several colours, with the
word of each other colour of the style.

``cost`` fills a shop on PostgreSQL and compares the time of a search in this process with and
without each wish, alternately; it prints the least and the median of the rounds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.search.figures import machine
from benchmarks.search.places import ROOT, shop
from benchmarks.servers import postgresql


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.wishes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("table", choices=["quality", "cost"])
    parser.add_argument("--catalog", type=Path, help="quality: the products")
    parser.add_argument("--queries", type=Path, help="quality: photos of them")
    parser.add_argument("--products", type=int, default=100_000, help="cost: number of products")
    parser.add_argument("--rounds", type=int, default=200, help="cost: searches of each kind")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.table == "quality" and not (args.catalog and args.queries):
        parser.error("quality needs --catalog and --queries")
    return args


def main() -> int:
    """Print the table; a child process does the work with the environment of its own shop."""
    args = parse_args()
    if args.here:
        import django

        django.setup()
        from benchmarks.wishes import cost, quality

        if args.table == "quality":
            quality.table(args.catalog, args.queries)
        else:
            cost.table(args.products, args.rounds)
        return 0
    host = machine()
    print(f"{host['date']}: {host['threads']} threads of {host['processor']}", end="; ")
    print(f"load average before {host['load_before'][0]}\n", flush=True)
    command = [sys.executable, "-m", "benchmarks.wishes", *sys.argv[1:], "--here"]
    with tempfile.TemporaryDirectory(prefix="visualsearch-") as folder:
        place = Path(folder)
        if args.table == "quality":
            return subprocess.run(command, cwd=ROOT, env=shop(place), check=False).returncode
        with postgresql() as socket:
            url = f"postgres://postgres:@/postgres?host={socket}"
            environment = shop(place) | {"DATABASE_URL": url}
            return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
