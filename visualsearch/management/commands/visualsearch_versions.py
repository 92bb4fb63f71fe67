"""List the index versions, and activate one."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from visualsearch.management.catalog_command import CatalogCommand
from visualsearch.models import IndexVersion
from visualsearch.versions import lifecycle


class Command(CatalogCommand):
    help = "List the index versions; activate one, or roll back to the previous one."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--activate", type=int, metavar="N", help="make version N active")
        which.add_argument(
            "--roll-back", action="store_true", help="activate the previously active version"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON array")

    def handle_catalog(self, **options: Any) -> bool:
        try:
            if options["roll_back"]:
                lifecycle.roll_back()
            elif options["activate"] is not None:
                self.activate(options["activate"])
        except lifecycle.NotUsable as error:
            raise CommandError(str(error)) from error
        found = [described(version) for version in IndexVersion.objects.all()]
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return True
        for each in found:
            self.stdout.write(
                "{version:>5}  {state:<9} {images:>8} images  {encoder}".format(**each)
            )
        return True

    def activate(self, number: int) -> None:
        """Activate the version with the primary key ``number``, unless it is active already.

        Raises CommandError if it does not exist, NotUsable if it cannot be activated.
        """
        version = IndexVersion.objects.filter(pk=number).first()
        if version is None:
            raise CommandError(f"There is no version {number}.")
        if version.state != IndexVersion.State.ACTIVE:
            lifecycle.activate(version)


def described(version: IndexVersion) -> dict[str, Any]:
    """Return a version's fields as JSON values, without the mean vector of its fit."""
    return {
        "version": version.pk,
        "state": version.state,
        "encoder": version.encoder,
        "images": version.images,
        "items": version.items,
        "figures": version.figures,
        "evaluation": version.evaluation,
        "fit": version.fit and {key: value for key, value in version.fit.items() if key != "mean"},
        "error": version.error,
    }
