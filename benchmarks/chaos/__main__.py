"""Disturb the production stack at random under load, and check every answer.

    python -m benchmarks.chaos [--seconds 1800] [--seed 0]

Runs PostgreSQL, Redis, web, search and index processes in a temporary folder. Customers search by
photo, turn pages and click while products are added, changed, hidden, published and deleted, index
versions are built and activated, and processes are killed, frozen and restarted, the disk fills and
clocks jump. The seed decides the order of the disturbances. Prints a line for each, then a table.
Exits with 1 if a target is missed: no wrong answer, no lost write, and 99.5 % of the requests
outside stated outages answered. See docs/operations.md, "Chaos".
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

from shop.tools.stack import APP

from .machine import Machine
from .outages import Outages
from .report import Journal

CUSTOMERS, PRODUCTS = 3, 40


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=1800, help="(%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the order (%(default)s)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep all files and logs here")
    return parser.parse_args()


def run(machine: Machine, seconds: float, seed: int) -> Journal:
    """Start the stack, disturb it for ``seconds``, and check what is left; return what happened."""
    machine.start_servers()
    machine.manage("collectstatic", "--noinput", "--verbosity=0")
    machine.use_here()
    import django

    django.setup()
    log_to(machine.log_path("chaos"))
    from .customers import Customer, Ledger
    from .disturbances import Disturber, planned
    from .editor import Editor
    from .goods import Goods
    from .settling import settle

    journal, goods, ledger = Journal(outages=Outages()), Goods(), Ledger()
    editor = Editor(goods, journal, seed)
    editor.stock(PRODUCTS)
    machine.manage("visualsearch_index")
    for name in APP:
        machine.start(name)
    for name in APP:
        machine.ready(name)
    disturber = Disturber(machine, goods, journal)
    disturber.back("search")
    customers = [
        Customer(number, machine.web_port, goods, journal, ledger, seed)
        for number in range(CUSTOMERS)
    ]
    start = time.monotonic()
    for thread in (editor, *customers):
        thread.start()
    for one in planned(seed):
        if time.monotonic() - start + one.calm > seconds:
            break
        time.sleep(one.calm)
        print(f"{time.monotonic() - start:7.1f} s  {one} …", end=" ", flush=True)
        print(disturber.disturb(one), flush=True)
    editor.over.set()
    for customer in customers:
        customer.over.set()
    for thread in (editor, *customers):
        thread.join()
    journal.notes.append(f"{editor.edits:,} edits of products")
    settle(machine, goods, ledger, journal)
    return journal


def log_to(path: Path) -> None:
    """Write the log of this process, which edits products as the shop does, to a file."""
    root = logging.getLogger()
    root.handlers = [logging.FileHandler(path)]


def main(args: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="visualsearch-chaos-") as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        machine = Machine(folder)
        for kind, reason in machine.without.items():
            print(f"Without {kind}: {reason}", flush=True)
        try:
            journal = run(machine, args.seconds, args.seed)
        finally:
            machine.stop_all()
        print(journal.table())
        return 0 if journal.passed() else 1


if __name__ == "__main__":
    sys.exit(main(parse_args()))
