"""Compare rows, index and catalog."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from visualsearch.exceptions import VisualSearchError
from visualsearch.management.catalog_command import CatalogCommand
from visualsearch.reindex.drift import find_drift


class Command(CatalogCommand):
    help = (
        "Compare the stored embeddings with the index and the catalog; exit with 1 if they differ."
    )
    for_each_catalog = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle_catalog(self, **options: Any) -> bool:
        try:
            drift = find_drift()
        except VisualSearchError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(drift.as_dict()))
        else:
            for line in drift.lines():
                self.stdout.write(line)
        return drift.clean
