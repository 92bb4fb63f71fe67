"""Delete everything that the app has stored, before it is removed from a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import NoReverseMatch, reverse

from visualsearch import conf
from visualsearch.management import uninstall

# Names to list of each kind.
SHOWN = 20


class Command(BaseCommand):
    help = (
        "Delete everything that the app has stored: indexes, files, keys in Redis, tables,"
        " permissions, content types and admin log entries. Then print what to remove from the"
        " project."
    )
    # It must run with a catalog or model that is already gone.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="list it, and delete nothing")
        parser.add_argument(
            "--no-input", "--noinput", action="store_true", help="do not ask for confirmation"
        )
        parser.add_argument(
            "--leave-servers",
            action="store_true",
            help="do not connect to Redis and index servers; their data stays",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if others := uninstall.dependent_migrations():
            raise CommandError(
                "Migrations of other apps depend on this app, and would be unapplied with it: "
                f"{', '.join(others)}. Remove these dependencies first."
            )
        versions = uninstall.versions()
        leave = options["leave_servers"]
        shared = [] if leave else uninstall.in_servers(versions)
        keys = [] if leave else uninstall.redis_keys()
        files, tables = uninstall.files(versions), uninstall.tables()
        self.show("Indexes in servers", [f"version {each.pk} ({each.backend})" for each in shared])
        self.show("Keys in Redis", keys)
        folder = Path(conf.get("DATA_DIR"))
        self.show(f"Files in {folder}", [str(path.relative_to(folder)) for path in files])
        self.show("Tables", tables)
        self.stdout.write("Permissions, content types and admin log entries of the app\n\n")
        if options["dry_run"]:
            self.stdout.write("Nothing was deleted.")
            return
        if not options["no_input"] and input("Delete all this? Type “yes”: ") != "yes":
            raise CommandError("Nothing was deleted.")
        uninstall.delete_from_servers(shared)
        uninstall.delete_keys(keys)
        left = uninstall.delete_files(files)
        # Last, because the rows name everything else.
        uninstall.delete_from_database(options["verbosity"])
        self.stdout.write(self.style.SUCCESS("Everything was deleted."))
        if left:
            names = ", ".join(path.name for path in left)
            self.stdout.write(f"These files in {folder} are not the app's and stay: {names}")
        self.stdout.write("\n".join(what_to_remove()))

    def show(self, title: str, names: Sequence[str]) -> None:
        """List what would be deleted, a long list in part."""
        self.stdout.write(f"{title}: {len(names)}")
        for name in names[:SHOWN]:
            self.stdout.write(f"  {name}")
        if len(names) > SHOWN:
            self.stdout.write(f"  and {len(names) - SHOWN} more")


def what_to_remove() -> list[str]:
    """Return the lines that tell what to remove from the project."""
    catalogs = list(conf.get("CATALOGS").values()) or [conf.get("CATALOG")]
    return [
        "",
        "Now remove from the project:",
        "  from INSTALLED_APPS: “visualsearch” and “visualsearch.contrib.*”, and if nothing else"
        " needs them, “rest_framework” and “drf_standardized_errors”",
        "  from MIDDLEWARE, if it is there: “visualsearch.middleware.CatalogMiddleware”",
        "  the settings VISUALSEARCH, and “visualsearch.*” in CELERY_TASK_ROUTES and"
        " CELERY_BEAT_SCHEDULE",
        f'  from urlpatterns: include("visualsearch.urls"){place("visualsearch:search_page")} and'
        f' include("visualsearch.api.urls"){place("visualsearch-api:search")}',
        f"  the catalog: {', '.join(catalogs)}",
        "  from admin.py: SearchableAdmin",
        "  from templates: {% load visualsearch %} and its tags",
        f"  other uses: grep -rn visualsearch {Path.cwd()}",
        "Then run: manage.py check, and pip uninstall visualsearch",
    ]


def place(name: str) -> str:
    """Return where the project has a page of the app, as text in brackets; "" if nowhere."""
    try:
        return f" ({reverse(name)})"
    except NoReverseMatch:
        return ""
