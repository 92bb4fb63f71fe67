"""Compare rows, index and catalog."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from visualsearch.exceptions import VisualSearchError
from visualsearch.reindex.drift import find_drift


class Command(BaseCommand):
    help = (
        "Compare the stored embeddings with the index and the catalog; exit with 1 if they differ."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            drift = find_drift()
        except VisualSearchError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(drift.as_dict()))
        else:
            for line in drift.lines():
                self.stdout.write(line)
        if not drift.clean:
            sys.exit(1)
