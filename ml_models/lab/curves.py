"""Plot a training run's losses, accuracy, learning rate and time by epoch.

python -m ml_models.lab.curves RUN
"""

from __future__ import annotations

import argparse
from pathlib import Path

from .reports.training_curves import draw_curves
from .training.best_epoch import read_log


def main(argv: list[str] | None = None) -> None:
    """Write ``curves.png`` into a run's folder; exit with an error before its first epoch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder that train writes")
    args = parser.parse_args(argv)
    if not read_log(args.run):
        parser.error(f"{args.run} has no log.csv yet: it is written after the first epoch")
    print(draw_curves(args.run))


if __name__ == "__main__":
    main()
