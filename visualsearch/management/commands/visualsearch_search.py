"""Search with a photo on disk."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import CommandError, CommandParser

from visualsearch import conf
from visualsearch.exceptions import InvalidCrop, VisualSearchError
from visualsearch.management.catalog_command import CatalogCommand
from visualsearch.photos.crops import Crop, check_crop
from visualsearch.photos.decode import open_photo
from visualsearch.search import by_photo
from visualsearch.search.requests import DEFAULT_LIMIT, SearchRequest
from visualsearch.search.results import SearchResult, Stopwatch


def crop(text: str) -> Crop:
    """Parse ``x,y,w,h``, fractions of the upright photo, for argparse.

    Raises ArgumentTypeError if it is malformed or outside the photo.
    """
    try:
        x, y, w, h = (float(part) for part in text.split(","))
        check_crop((x, y, w, h))
    except (ValueError, InvalidCrop) as error:
        raise argparse.ArgumentTypeError(InvalidCrop.message) from error
    return x, y, w, h


class Command(CatalogCommand):
    help = "Print the products that look most like a photo."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("photo", type=Path)
        parser.add_argument(
            "--limit", type=int, default=DEFAULT_LIMIT, help="1–100, default %(default)s"
        )
        parser.add_argument("--crop", type=crop, help="x,y,w,h as fractions of the upright photo")
        parser.add_argument("--site", default="", help="prefix of links, such as https://shop.tld")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle_catalog(self, **options: Any) -> bool:
        if not 1 <= options["limit"] <= 100:
            raise CommandError("--limit must be from 1 to 100.")
        try:
            data = options["photo"].read_bytes()
        except OSError as error:
            raise CommandError(f"{options['photo']} cannot be read: {error.strerror}.") from error
        try:
            result = search(data, options["crop"], options["limit"])
        except VisualSearchError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(msgspec.to_builtins(result)))
        else:
            self.print(options["photo"], result, options["site"].rstrip("/"))
        return True

    def print(self, photo: Path, result: SearchResult, site: str) -> None:
        """Print the result as text; ``site`` is put before the products' links."""
        self.stdout.write(f"Photo    {photo}")
        best = ", ".join(f"{each.label} {each.probability:.0%}" for each in result.predictions[:3])
        self.stdout.write(f"Class    {best}")
        if result.subject:
            self.stdout.write(f"Subject  {','.join(f'{part:g}' for part in result.subject)}")
        if not result.matched:
            self.stdout.write("No product matches well; these are the closest.")
        for place, hit in enumerate(result.hits, 1):
            name = hit.card.get("name", hit.item)
            link = site + (hit.card.get("url") or "")
            self.stdout.write(f"{place:>3}.  {hit.score:.3f}  {name}  {link}")
        times = ", ".join(f"{stage} {spent:.1f}" for stage, spent in result.took_ms.items())
        self.stdout.write(f"Took ms  {times}")


def search(data: bytes, crop: Crop | None, limit: int) -> SearchResult:
    """Load model and index in this process, then search, so that times exclude the loading."""
    by_photo.warm_up()
    watch = Stopwatch()
    with watch.stage("decode"):
        photo = open_photo(data, limits=conf.limits(), crop=crop)
    request = SearchRequest(limit=limit, remember=False)
    return by_photo.search(photo, request, watch=watch)
