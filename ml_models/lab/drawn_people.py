"""Draw people who wear garments, with the class, colour and box of each.

    python -m ml_models.lab.drawn_people --out SHEET.png [--count N] [--seed N]

No photo of a person is used. The same seed gives the same picture.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .drawing.contact_sheet import sheet
from .drawing.person import person


def main(argv: list[str] | None = None) -> None:
    """Write a contact sheet of drawn people to ``--out``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    parser.add_argument("--count", type=int, default=20, help="number of people")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first person")
    args = parser.parse_args(argv)
    sheet([person(args.seed + k).image for k in range(args.count)]).save(args.out)


if __name__ == "__main__":
    main()
