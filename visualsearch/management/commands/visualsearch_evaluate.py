"""Measure the search on labelled photos."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from visualsearch.evaluation import LabelledPhoto, evaluate
from visualsearch.exceptions import VisualSearchError


def read_queries(path: Path) -> list[LabelledPhoto]:
    """Rows of ``image,sku[,style]``; images are relative to the file. CommandError on a bad row."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
    photos = []
    for line, row in enumerate(rows, 2):
        image = path.parent / (row.get("image") or "")
        if not row.get("image") or not row.get("sku"):
            raise CommandError(f"{path}, line {line}: the columns image and sku must be filled.")
        if not image.is_file():
            raise CommandError(f"{path}, line {line}: {image} does not exist.")
        photos.append(LabelledPhoto(image=image, item=row["sku"], style=row.get("style") or ""))
    if not photos:
        raise CommandError(f"{path} holds no queries.")
    return photos


class Command(BaseCommand):
    help = "Recall@k, MRR and latency on a CSV of photos and the products they show."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queries", type=Path, help="CSV with the columns image,sku[,style]")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        photos = read_queries(options["queries"])
        try:
            report = evaluate(tqdm(photos, desc="Searching", unit=" photos", disable=None))
        except VisualSearchError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        self.stdout.write(
            f"{report['queries']} photos against {report['items']} products, {report['encoder']}"
        )
        for kind in ("sku", "style"):
            if report[kind]:
                figures = "  ".join(f"{name} {value:.3f}" for name, value in report[kind].items())
                self.stdout.write(f"{kind:<7}  {figures}")
        took = report["latency_ms"]
        self.stdout.write(f"latency  p50 {took['p50']:.1f} ms  p95 {took['p95']:.1f} ms")
