"""Bring the index up to date with the catalog."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from visualsearch.exceptions import VisualSearchError
from visualsearch.management.catalog_command import CatalogCommand
from visualsearch.models import Embedding, Run
from visualsearch.reindex import runs, scopes
from visualsearch.reindex.chunks import TakenOver
from visualsearch.serving import loaded_versions
from visualsearch.versions import lifecycle

# Seconds between checks of a run that another process works on.
WATCH = 0.5


class Command(CatalogCommand):
    help = "Index the catalog's images. Unchanged images are not encoded again."
    for_each_catalog = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        scope = parser.add_mutually_exclusive_group()
        scope.add_argument("--all", action="store_true", help="all products (default)")
        scope.add_argument(
            "--missing", action="store_true", help="only products without an image in the index"
        )
        scope.add_argument("--failed", action="store_true", help="only products with failed images")
        scope.add_argument(
            "--products", nargs="+", metavar="KEY", help="only products with these keys"
        )
        scope.add_argument("--run", type=int, help="execute this run, requested elsewhere")
        parser.add_argument(
            "--no-activate", action="store_true", help="build a version without activating it"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle_catalog(self, **options: Any) -> bool:
        try:
            run = self.wanted(options)
            with tqdm(desc="Indexing", unit=" products", disable=not sys.stderr.isatty()) as bar:

                def show() -> None:
                    bar.total = run.items
                    bar.update(run.done - bar.n)

                self.work_on(run, show)
        except (VisualSearchError, runs.NotPossible) as error:
            raise CommandError(str(error)) from error
        self.report(run, as_json=options["json"])
        return run.state == Run.State.FINISHED

    def wanted(self, options: dict[str, Any]) -> Run:
        """Return the run to work on: that of ``--run``, the open one, or a new one.

        An open run that is paused or whose process died is put back in the queue. Raises
        CommandError if the run of ``--run`` does not exist.
        """
        if options["run"]:
            run = Run.objects.filter(pk=options["run"]).first()
            if run is None:
                raise CommandError(f"There is no run {options['run']}.")
            return run
        scope = Run.Scope.ALL
        if options["missing"]:
            scope = Run.Scope.MISSING
        elif options["failed"]:
            scope = Run.Scope.FAILED
        elif options["products"]:
            scope = Run.Scope.CHOSEN
        run, new = runs.request(
            scope, keys=options["products"] or [], activate=not options["no_activate"]
        )
        if not new:
            self.stderr.write(f"Run {run.pk} is open ({run.get_state_display()}). Continuing it.")
            if run.state == Run.State.PAUSED or run.is_dead:
                runs.resume(run)
        return run

    def work_on(self, run: Run, show: Callable[[], object]) -> None:
        """Work on a run until it is closed or paused, and wait while only others have work.

        ``show``: called when the run's row has changed.
        """
        while run.open and run.state != Run.State.PAUSED:
            try:
                runs.execute(run, show)
            except TakenOver:
                run.refresh_from_db()
            if run.state == Run.State.RUNNING:
                time.sleep(WATCH)
                run.refresh_from_db()
                show()

    def report(self, run: Run, *, as_json: bool) -> None:
        """Print the counts of a run, and each failed image with its error."""
        failures = failed_images(run) if run.failed else []
        counts = {
            name: getattr(run, name)
            for name in ("items", "encoded", "unchanged", "removed", "failed")
        }
        if as_json:
            version = lifecycle.active_version()
            self.stdout.write(
                json.dumps(
                    {
                        **counts,
                        "state": run.state,
                        "error": run.error,
                        "index_version": version.pk if version else None,
                        "images": len(loaded_versions.current().index) if version else 0,
                        "failures": failures,
                    }
                )
            )
            return
        self.stdout.write(
            "{items} products: {encoded} images encoded, {unchanged} unchanged, {removed} removed,"
            " {failed} failed.".format(**counts)
        )
        active = lifecycle.active_version()
        if active:
            current = loaded_versions.current()
            self.stdout.write(
                f"Index version {active.pk} is active: {len(current.index)} images of"
                f" {current.items} products."
            )
        if run.error:
            self.stderr.write(run.error)
        for failure in failures:
            self.stderr.write("{item}: {image}: {error}".format(**failure))


def failed_images(run: Run) -> list[dict[str, str]]:
    """Return a dict per image that the run's encoder has failed on: item, image and error."""
    encoder = scopes.encoder_for(run)
    failed = Embedding.objects.filter(encoder=encoder.id, removed=False).exclude(error="")
    rows = failed.order_by("item", "image").values_list("item", "image", "error")
    return [{"item": item, "image": image, "error": error} for item, image, error in rows]
