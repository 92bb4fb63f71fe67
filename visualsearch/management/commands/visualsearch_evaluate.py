"""Measure the search on labelled photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from visualsearch.evaluation import evaluate, read_queries
from visualsearch.exceptions import VisualSearchError


class Command(BaseCommand):
    help = "Recall@k, MRR and latency on a CSV of photos and the products they show."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queries", type=Path, help="CSV with the columns image,sku[,style]")
        parser.add_argument(
            "--index-version", type=int, metavar="N", help="a kept version in place of the active"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            photos = read_queries(options["queries"])
            bar = tqdm(photos, desc="Searching", unit=" photos", disable=None)
            report = evaluate(bar, version=options["index_version"])
        except (ValueError, VisualSearchError) as error:
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
