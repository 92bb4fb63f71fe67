"""Give the rows of a catalog another name."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser

from visualsearch.catalogs.names import MAX_CATALOG_NAME, VALID
from visualsearch.models.primary import CatalogModel, atomic


class Command(BaseCommand):
    help = (
        "Give a catalog's index, runs, queries and keys another name, after it was renamed in the"
        " settings. Nothing is encoded again. The rows of a project with one catalog have the name"
        " '', unless CATALOG_NAME or SITE_ID is set."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("old", help="the name so far")
        parser.add_argument("new", help="the new name")

    def handle(self, *args: Any, **options: Any) -> None:
        old, new = options["old"], options["new"]
        if new and not VALID.fullmatch(new):
            raise CommandError(
                f"Use 1–{MAX_CATALOG_NAME} lower-case letters, digits, - and _ for the new name."
            )
        models = apps.get_app_config("visualsearch").get_models()
        kinds = [kind for kind in models if issubclass(kind, CatalogModel)]
        with atomic():
            if taken := [kind for kind in kinds if kind.everywhere.filter(catalog=new).exists()]:
                raise CommandError(
                    f"The catalog {new!r} has rows of {taken[0]._meta.verbose_name} already."
                )
            count = sum(kind.everywhere.filter(catalog=old).update(catalog=new) for kind in kinds)
        self.stdout.write(f"{count} rows of the catalog {old!r} belong to {new!r} now.")
