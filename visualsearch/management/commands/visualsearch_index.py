"""Bring the index up to date with the catalog."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from visualsearch import conf, indexing
from visualsearch.exceptions import VisualSearchError
from visualsearch.models import Embedding, Run


class Command(BaseCommand):
    help = "Index the catalog's images. Unchanged images are not encoded again."

    def add_arguments(self, parser: CommandParser) -> None:
        scope = parser.add_mutually_exclusive_group()
        scope.add_argument("--all", action="store_true", help="look at every product (default)")
        scope.add_argument(
            "--missing", action="store_true", help="only products without an image in the index"
        )
        scope.add_argument("--failed", action="store_true", help="only products with failed images")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        scope = Run.Scope.ALL
        if options["missing"]:
            scope = Run.Scope.MISSING
        elif options["failed"]:
            scope = Run.Scope.FAILED
        run = Run(scope=scope)
        try:
            with tqdm(desc="Indexing", unit=" products", disable=not sys.stderr.isatty()) as bar:

                def advance(count: int) -> None:
                    bar.total = run.items
                    bar.update(count)

                indexing.execute(run, advance)
        except VisualSearchError as error:
            raise CommandError(str(error)) from error
        self.report(run, as_json=options["json"])
        if run.failed:
            sys.exit(1)

    def report(self, run: Run, *, as_json: bool) -> None:
        """What was done, and each failed image with its reason."""
        failures = failed_images() if run.failed else []
        counts = {
            name: getattr(run, name)
            for name in ("items", "encoded", "unchanged", "removed", "failed")
        }
        if as_json:
            version = run.version
            self.stdout.write(
                json.dumps(
                    {
                        **counts,
                        "state": run.state,
                        "index_version": version.pk if version else None,
                        "images": version.images if version else 0,
                        "failures": failures,
                    }
                )
            )
            return
        self.stdout.write(
            "{items} products: {encoded} images encoded, {unchanged} unchanged, {removed} removed,"
            " {failed} failed.".format(**counts)
        )
        if run.version:
            self.stdout.write(
                f"Index version {run.version.pk} is active: {run.version.images} images of"
                f" {run.version.items} products."
            )
        for failure in failures:
            self.stderr.write("{item}: {image}: {error}".format(**failure))


def failed_images() -> list[dict[str, str]]:
    """All images that stand as failed now."""
    encoder = conf.load("ENCODER")
    failed = Embedding.objects.filter(encoder=encoder.id, removed=False).exclude(error="")
    rows = failed.order_by("item", "image").values_list("item", "image", "error")
    return [{"item": item, "image": image, "error": error} for item, image, error in rows]
