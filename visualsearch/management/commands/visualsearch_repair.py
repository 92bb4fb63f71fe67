"""Mend what no signal told."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from visualsearch.exceptions import VisualSearchError
from visualsearch.management.catalog_command import CatalogCommand
from visualsearch.reindex.launch import start_run
from visualsearch.reindex.repair import repair, request_run_after_upgrade

FIGURES = ("items", "hashed", "overwritten", "failed")


class Command(CatalogCommand):
    help = (
        "Find and mend items whose images differ from the index by name, and images whose files"
        " were overwritten. For cron; with Celery beat, schedule visualsearch.index_repair instead."
    )
    for_each_catalog = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--contents",
            type=int,
            metavar="N",
            help="images to compare by content; default: the setting REPAIR_CONTENTS",
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle_catalog(self, **options: Any) -> bool:
        try:
            run = request_run_after_upgrade()
            if run is not None:
                start_run(run)
                self.stdout.write(
                    f"Run {run.pk} encodes the images that an earlier release decoded otherwise."
                )
                return True
            found = repair(options["contents"])
        except VisualSearchError as error:
            raise CommandError(str(error)) from error
        if found is None:
            raise CommandError("A reindex is open, which does the same. Wait for it or cancel it.")
        figures = {name: getattr(found, name) for name in FIGURES}
        if options["json"]:
            self.stdout.write(json.dumps(figures))
        else:
            self.stdout.write(
                "{items} products differed by name; {overwritten} of {hashed} images compared by"
                " content were overwritten; {failed} failed.".format(**figures)
            )
        return not found.failed
