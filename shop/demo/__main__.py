"""Draw the demo catalog into a folder: `python -m shop.demo FOLDER`."""

import argparse
import sys
from pathlib import Path

from .catalog import draw_catalog, sample_query


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.demo", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to put catalog.csv and its pictures")
    folder = parser.parse_args().folder
    catalog = draw_catalog(folder, progress=_show if sys.stderr.isatty() else None)
    print(f"{catalog}\n{sample_query(folder)}")


def _show(done: int, total: int) -> None:
    print(f"\rdrawing {done}/{total}", end="\n" if done == total else "", file=sys.stderr)


if __name__ == "__main__":
    main()
