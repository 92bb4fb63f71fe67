"""Erase what is stored of a customer's searches."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from visualsearch.models import KeptPhoto, Query, Storefront
from visualsearch.search.callers import pseudonym


class Command(BaseCommand):
    help = (
        "Erase what is kept of a customer's searches: figures, events, and photos that were kept."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--user", metavar="KEY", help="who was logged in, by primary key")
        which.add_argument("--visitor", metavar="NAME", help="as “visitor” of the searches said")
        which.add_argument("--query", metavar="ID", nargs="+", help="searches by their query_id")
        which.add_argument("--expired", action="store_true", help="what has had its time, now")
        which.add_argument("--everything", action="store_true", help="all searches of everybody")
        parser.add_argument("--storefront", metavar="NAME", help="whose visitor it was, of a key")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["expired"]:
            done = {"expired": Query.forget_expired()}
        else:
            done = {"queries": self.erase(options)}
        if options["json"]:
            self.stdout.write(json.dumps(done))
        else:
            self.stdout.write(", ".join(f"{name}: {count}" for name, count in done.items()))

    def erase(self, options: dict[str, Any]) -> int:
        """Delete the searches that the options select; return how many were deleted.

        Raises CommandError for an unknown storefront or a malformed query id.
        """
        if options["everything"]:
            KeptPhoto.objects.all().delete()
            return Query.erase()
        if options["user"]:
            return Query.erase(visitor=pseudonym("user", options["user"]))
        if options["query"]:
            try:
                # An asynchronous search may have failed after its photo was kept.
                KeptPhoto.objects.filter(pk__in=options["query"]).delete()
                return Query.erase(pk__in=options["query"])
            except ValidationError as error:
                raise CommandError("An id is no UUID: name query_ids of answers.") from error
        storefront = self.storefront(options["storefront"])
        return Query.erase(visitor=pseudonym("visitor", options["visitor"], storefront))

    def storefront(self, name: str | None) -> int | None:
        """Return the primary key of the storefront with this name, None without a name.

        Raises CommandError if there is no such storefront.
        """
        if not name:
            return None
        try:
            return Storefront.objects.get(name=name).pk
        except Storefront.DoesNotExist as error:
            raise CommandError(f"There is no storefront “{name}”.") from error
