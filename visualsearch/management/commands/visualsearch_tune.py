"""Fit the index to its catalog, and choose the weights of the embedding's parts by labels."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from visualsearch.exceptions import VisualSearchError
from visualsearch.management.catalog_command import CatalogCommand
from visualsearch.models import IndexVersion, Run
from visualsearch.reindex import runs
from visualsearch.versions import lifecycle

WORDS = {
    "now": "current weights",
    "catalog": "fitted to the catalog",
    "labels": "fitted with labels",
}
JUDGES = {"labels": "labelled photos", "clicks": "searches with clicks"}
FIGURES = ("recall@1", "recall@5", "recall@10", "mrr")


class Command(CatalogCommand):
    help = (
        "Fit the index to its catalog, with the labelled queries if there are any. Images are not"
        " encoded again. The new version is activated if it finds more products."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--no-activate", action="store_true", help="build a version without activating it"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle_catalog(self, **options: Any) -> bool:
        try:
            run, new = runs.request(Run.Scope.FIT, activate=not options["no_activate"])
            if not new:
                raise CommandError(
                    f"Run {run.pk} is open ({run.get_state_display()}). Wait for it or cancel it."
                )
            runs.execute(run)
        except (ValueError, VisualSearchError, runs.NotPossible, runs.TakenOver) as error:
            raise CommandError(str(error) or "Another process is executing the run.") from error
        if run.version is None:
            raise CommandError(run.error or f"Run {run.pk} is {run.get_state_display()}.")
        report = described(run, run.version)
        if options["json"]:
            self.stdout.write(json.dumps(report))
        else:
            self.print(report)
        return True

    def print(self, report: dict[str, Any]) -> None:
        """Print the compared weights with their figures, and whether the new version is active."""
        if report["tried"]:
            self.stdout.write(f"Over {report['queries']} {JUDGES[report['judged_by']]}:")
            heads = "".join(f"{name:>11}" for name in FIGURES)
            self.stdout.write(f"{'':<22}{heads}  weights")
            for option in report["tried"]:
                figures = "".join(f"{option[name]:>11.3f}" for name in FIGURES)
                line = f"{WORDS[option['name']]:<22}{figures}  {shares(option['shares'])}"
                self.stdout.write(line.rstrip())
        elif report["judged_by"] is None:
            self.stdout.write(
                "There are no labelled queries, so the weights are chosen by the catalog alone."
            )
        state = "active" if report["active"] else "not active"
        self.stdout.write(
            f"Index version {report['version']} is {state}: {shares(report['shares'])}, chosen by"
            f" {report['chosen']}."
        )
        if report["error"]:
            self.stderr.write(report["error"])


def described(run: Run, version: IndexVersion) -> dict[str, Any]:
    """Return what a run chose, as JSON values.

    ``version`` and ``active``: the version that was built, and whether it is active; ``chosen``:
    what chose the weights; ``shares``: weight of each part of the embedding, by name; ``images``:
    number of images; ``judged_by``, ``queries`` and ``tried``: see
    :func:`visualsearch.versions.transforms.describe_choice`; ``error``: error message of the run.
    """
    version.refresh_from_db()
    fit = version.fit or {}
    active = lifecycle.active_version()
    return {
        "version": version.pk,
        "active": active is not None and active.pk == version.pk,
        "chosen": fit.get("chosen"),
        "shares": {part["name"]: part["share"] for part in fit.get("parts", [])},
        "images": fit.get("images"),
        "judged_by": fit.get("judged_by"),
        "queries": fit.get("queries", 0),
        "tried": fit.get("tried", []),
        "error": run.error,
    }


def shares(found: dict[str, float]) -> str:
    """Return the weights of parts as ``features 0.70, colour 0.30``, {} as ``not fitted``."""
    return ", ".join(f"{name} {share:.2f}" for name, share in found.items()) or "not fitted"
