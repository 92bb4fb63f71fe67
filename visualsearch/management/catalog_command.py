"""The base class of the commands that work for one catalog or for each."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from visualsearch.catalogs import catalog_names, using_catalog


class CatalogCommand(BaseCommand):
    """A command with the option ``--catalog``; subclasses define :meth:`handle_catalog`."""

    for_each_catalog = False
    """Whether the command works for each catalog if none is named, or for the default one."""

    def add_arguments(self, parser: CommandParser) -> None:
        which = "each catalog" if self.for_each_catalog else "the first one in the settings"
        parser.add_argument(
            "--catalog", metavar="NAME", help=f"a name in CATALOGS; default: {which}"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names, known = [options["catalog"]], catalog_names()
        if names[0] is None:
            names = known if self.for_each_catalog else known[:1]
        elif names[0] not in known:
            raise CommandError(f"There is no catalog {names[0]!r}. Use one of: {', '.join(known)}.")
        if len(names) > 1 and options.get("json"):
            raise CommandError(f"--json needs --catalog, one of: {', '.join(names)}.")
        succeeded = True
        for name in names:
            if len(names) > 1:
                self.stdout.write(self.style.MIGRATE_HEADING(f"Catalog {name}"))
            with using_catalog(name):
                succeeded = self.handle_catalog(**options) and succeeded
        if not succeeded:
            sys.exit(1)

    def handle_catalog(self, **options: Any) -> bool:
        """Do the command's work for the current catalog; return whether it succeeded."""
        raise NotImplementedError
