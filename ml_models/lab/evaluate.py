"""Measure a model package as a classifier, through the encoder that serves it.

    python -m ml_models.lab.evaluate --model DIR --data FOLDER [--against DIR] [--json]

``FOLDER`` holds a subfolder of photos per class, named as the model's classes or their coarser
ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .measuring.classification import measure
from .measuring.evaluation import evaluate
from .measuring.instances import GALLERY
from .reports.evaluation_page import write_page
from .reports.evaluation_plots import plot
from .reports.evaluation_text import table


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; exit with an error for options that do not fit together."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with model.json")
    parser.add_argument("--data", type=Path, required=True, help="photos: a subfolder per class")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N photos per class")
    parser.add_argument("--robustness", action="store_true", help="measure distorted photos too")
    parser.add_argument(
        "--catalog", type=Path, metavar="CSV", help="photos to find: image,sku[,style]"
    )
    parser.add_argument(
        "--queries",
        type=Path,
        metavar="CSV",
        help="photos to search with: image,sku[,style][,view]",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="test against another package on the same photos",
    )
    parser.add_argument(
        "--page", type=Path, metavar="FOLDER", help="write a page that shows each photo"
    )
    parser.add_argument(
        "--instances", type=Path, action="append", default=[], metavar="FOLDER",
        help="photos to fill a gallery in which distorted photos are searched; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--gallery", type=int, default=GALLERY, metavar="N", help="number of photos in that gallery"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write report.json, and plots with matplotlib"
    )
    args = parser.parse_args(argv)
    if bool(args.catalog) != bool(args.queries):
        parser.error("--catalog and --queries go together")
    if args.limit is not None and args.limit < 1:
        parser.error("--limit must be at least 1")
    return args


def main(argv: list[str] | None = None) -> None:
    """Print accuracy, calibration, cost and more of a package; write report, plots and page."""
    args = parse_args(argv)
    given = (args.data, args.limit, args.catalog, args.queries)
    measured = measure(args.model, *given)
    other = None
    if args.against:
        other = measure(args.against, *given, measured.encoder.package.parents)
    report = evaluate(
        args.model,
        measured,
        distort=args.robustness,
        others=args.instances,
        gallery=args.gallery,
        against=other,
    )
    if args.page:
        write_page(args.page, measured, report)
    print(json.dumps(report) if args.json else table(report))
    if args.page:
        print(f"{args.page / 'index.html'} shows each photo", file=sys.stderr)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        # Use stderr: with --json, stdout must hold JSON alone.
        print(plot(report, args.out), file=sys.stderr)


if __name__ == "__main__":
    main()
