"""Examine the whole installation on real rows."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from visualsearch.doctor.catalog import examine_catalog
from visualsearch.doctor.findings import examined
from visualsearch.doctor.installation import examine_installation
from visualsearch.doctor.words_and_groups import examine_words_and_groups
from visualsearch.management.catalog_command import CatalogCommand


class Command(CatalogCommand):
    help = (
        "Examine catalog, database, files, model, index and workers on real rows; name what is"
        " wrong and the line to change, and exit with 1 if anything is."
    )
    # What is wrong with the settings is a finding, not a reason to stop.
    requires_system_checks = []
    for_each_catalog = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle_catalog(self, **options: Any) -> bool:
        catalog = examined(
            "CATALOG",
            lambda: iter([*examine_catalog(), *examine_words_and_groups()]),
            "Set VISUALSEARCH[“CATALOG”] to the dotted path of your catalog.",
        )
        findings = [*examine_installation(), *catalog]
        healthy = all(each.ok for each in findings)
        if options["json"]:
            values = {"healthy": healthy, "findings": [each.as_dict() for each in findings]}
            self.stdout.write(json.dumps(values))
        else:
            for each in findings:
                mark = self.style.SUCCESS("ok   ") if each.ok else self.style.ERROR("WRONG")
                self.stdout.write(f"{mark} {each.name:16} {each.detail}")
                if each.remedy:
                    self.stdout.write(f"{'':22} → {each.remedy}")
        return healthy
