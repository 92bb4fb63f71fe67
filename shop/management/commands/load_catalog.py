from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from shop.catalog_import.read import Problem, read_catalog
from shop.catalog_import.store import store_catalog
from visualsearch.signal_handlers import paused

SHOWN_PROBLEMS = 50


class Command(BaseCommand):
    help = (
        "Load products from a CSV file: columns sku, name, category, price, image and any of "
        "style, gender, color, material, pattern, stock, images (more pictures, separated by |). "
        "Paths of pictures are relative to the file. Loads all rows, or none if one is invalid. "
        "Loading the same file again changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("csv", type=Path, help="the catalog file, in UTF-8")
        parser.add_argument(
            "--no-index",
            action="store_true",
            help="do not update the search index; run visualsearch_index afterwards",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["csv"]
        if not path.is_file():
            raise CommandError(f"File {path} not found.")
        # `disable=None`: a progress bar on terminals only.
        catalog = read_catalog(path, lambda lines: tqdm(lines, "Checking", disable=None))
        for note in catalog.notes:
            self.stderr.write(self.style.WARNING(f"Note: {note}"))
        if catalog.problems:
            self.refuse(path, catalog.problems)
        with paused() if options["no_index"] else nullcontext():
            counts = store_catalog(catalog, lambda rows: tqdm(rows, "Loading", disable=None))
        self.stdout.write(", ".join(f"{name}: {counts[name]}" for name in counts))

    def refuse(self, path: Path, problems: list[Problem]) -> None:
        for problem in problems[:SHOWN_PROBLEMS]:
            self.stderr.write(f"{path.name}, {problem}")
        if len(problems) > SHOWN_PROBLEMS:
            self.stderr.write(f"… and {len(problems) - SHOWN_PROBLEMS} more.")
        number = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise CommandError(
            f"{path.name} has {number}. Nothing was loaded. Correct the file and load it again."
        )
