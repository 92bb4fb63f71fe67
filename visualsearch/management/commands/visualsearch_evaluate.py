"""Measure the search on labelled photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from visualsearch.evaluation.labelled_photos import (
    LabelledPhoto,
    Measured,
    compare_measurements,
    measure,
    read_queries,
    report,
)
from visualsearch.evaluation.photo_by_photo import tables, write_page
from visualsearch.exceptions import VisualSearchError
from visualsearch.management.catalog_command import CatalogCommand
from visualsearch.metrics.photo_page import Table


class Command(CatalogCommand):
    help = "Measure recall@k, MRR and latency on a CSV file of photos and the products they show."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "queries", type=Path, help="CSV with the columns image,sku[,style][,view]"
        )
        parser.add_argument(
            "--index-version",
            type=int,
            metavar="N",
            help="evaluate version N instead of the active one",
        )
        parser.add_argument("--compare", type=int, metavar="N", help="also compare with version N")
        parser.add_argument(
            "--page",
            type=Path,
            metavar="FOLDER",
            help="write a page with the results of each photo",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle_catalog(self, **options: Any) -> bool:
        try:
            photos = read_queries(options["queries"])
            measured = self.measure(photos, options["index_version"])
            found = report(measured)
            if options["compare"] is not None:
                found["compared"] = compare_measurements(
                    measured, self.measure(photos, options["compare"])
                )
            if options["page"]:
                page = write_page(options["page"], measured, found)
                self.stderr.write(f"Wrote the results of each photo to {page}.")
        except (ValueError, VisualSearchError, OSError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return True
        self.stdout.write(
            f"{found['queries']} photos against {found['items']} products, {found['encoder']};"
            " in brackets: 95 % intervals"
        )
        for table in tables(found):
            self.write_table(table)
        took = found["latency_ms"]
        self.stdout.write(f"\nlatency  p50 {took['p50']:.1f} ms  p95 {took['p95']:.1f} ms")
        return True

    def measure(self, photos: list[LabelledPhoto], version: int | None) -> Measured:
        """Search an index version with each photo, showing a progress bar on a terminal.

        ``version``: its primary key, None for the active version.
        """
        what = "Searching" if version is None else f"Version {version}"
        return measure(tqdm(photos, desc=what, unit=" photos", disable=None), version)

    def write_table(self, table: Table) -> None:
        """Print a table with aligned columns."""
        lines = [list(table.columns), *map(list, table.rows)]
        widths = [max(len(line[k]) for line in lines) for k in range(len(table.columns))]
        self.stdout.write(f"\n{table.title}")
        for line in lines:
            first = line[0].ljust(widths[0])
            rest = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
            self.stdout.write("  ".join([first, *rest]).rstrip())
